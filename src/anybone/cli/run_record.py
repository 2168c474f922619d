"""run.json: how each result in a folder was made; written after every case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anybone.cli.cases import Case
from anybone.core.errors import UsageError, WriteError
from anybone.version import __version__

FILE_NAME = "run.json"
_LAYOUT = 2
_SAME_WHEN_RESUMED = ("method", "weights", "options", "prompts", "series", "frame")


@dataclass(frozen=True)
class CaseRecord:
    """Result of one case.

    Attributes:
        input: Absolute path of the input.
        output: Absolute path of the mask, whether written or not.
        exit_code: 0 done, 4 no bone found, 5 low confidence, else the reason of the failure.
        message: Error message.
        output_bytes: Size of the mask file in bytes; a file of another size is incomplete.
        bone_ml: Volume in ml by label name.
        confidence: Expected Dice, 0..1; None if unknown.
        slice_confidence: Expected Dice of each slice with bone, by its index along the slice axis.
        doubts: Reasons not to trust the result.
        files: Paths of further files, by kind.
        warnings: Warnings about the result.
        timings_s: Seconds by step.
        device: Device that ran the network.
        dice: Dice with the reference, by name, if one is known.
    """

    input: str
    output: str
    exit_code: int
    message: str = ""
    output_bytes: int = 0
    bone_ml: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    slice_confidence: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    dice: Mapping[str, float] = field(default_factory=dict)


class RunRecord:
    """The run.json of a folder of results.

    Cases of earlier runs, and of other processes that write into the same folder, stay in the file: each case holds the
    facts of its own run. A new result replaces the entry of the same output.

    Args:
        path: Path of run.json.
        facts: Plain values of this run: method, weights, options, prompts, series, frame.
        resume: True keeps complete cases instead of running them again.

    Raises:
        WriteError: Another program's run.json is in the way.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any], *, resume: bool = False) -> None:
        self.path = path
        self._facts = json.loads(json.dumps(dict(facts), default=str))
        self._started = _now()
        self._cases: dict[str, dict[str, Any]] = {}  # of this run
        self._earlier = {case["output"]: case for case in _read(path)["cases"]}
        self._resume = resume

    def finished(self, case: Case) -> int | None:
        """Return the exit code of a case that an earlier run completed and whose mask is unchanged, else None.

        Raises:
            UsageError: An earlier run made it with another method, other options, prompts, series or frame.
        """
        known = self._earlier.get(str(case.output.resolve())) if self._resume else None
        if known is None or known["input"] != str(case.input.resolve()):
            return None
        if not (case.output.is_file() and case.output.stat().st_size == known["output_bytes"]):
            return None
        changed = [key for key in _SAME_WHEN_RESUMED if known["run"].get(key) != self._facts.get(key)]
        if changed:
            raise UsageError(
                f"{case.output} was made with other {' and '.join(changed)}. Give the same ones to resume, or --force "
                "to overwrite it."
            )
        return int(known["exit_code"])

    def add(self, case: CaseRecord) -> None:
        """Add a case and write the file."""
        self._cases[case.output] = asdict(case) | {"run": self._facts}
        self.write()

    def write(self, exit_code: int | None = None) -> None:
        """Write the file, whole or not at all; other processes wait for their turn.

        Args:
            exit_code: Exit code of the run, once it has ended.
        """
        from filelock import FileLock

        from anybone.core.atomic import write_whole

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            others = {case["output"]: case for case in _read(self.path)["cases"]}
            cases = list((others | self._cases).values())
            content = {
                "anybone": {"layout": _LAYOUT},
                "version": __version__,
                "started": self._started,
                "finished": _now() if exit_code is not None else None,
                "exit_code": exit_code,
                **self._facts,
                "device": next((case["device"] for case in reversed([*self._cases.values()]) if case["device"]), None),
                "cases": cases,
            }
            write_whole(self.path, json.dumps(content, indent=2) + "\n")


def _read(path: Path) -> dict[str, Any]:
    """Return the record in the file; one without cases if there is no file."""
    if not path.exists():
        return {"cases": []}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["anybone"]["layout"] == _LAYOUT and all("output" in case for case in content["cases"]):
            return dict(content)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise WriteError(
        f"{path} was not written by this version of anybone and would be overwritten. "
        "Move it, or choose another output with -o."
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
