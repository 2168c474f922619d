"""run.json: how a run was made and what became of each case, written anew after every one of them."""

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
_LAYOUT = 1
_SAME_WHEN_RESUMED = ("method", "weights", "options", "prompts", "series", "frame")


@dataclass(frozen=True)
class CaseRecord:
    """What became of one case.

    Attributes:
        input: Absolute path.
        output: Absolute path of the mask, there or not.
        exit_code: 0 done, 4 nothing found, 5 written but not to be trusted, else why it failed.
        message: Of the error.
        output_bytes: Size of the mask file; a file of another size is not complete.
        bone_ml: Volume by name.
        confidence: The Dice that the network expects of itself, 0..1; None where it does not know.
        doubts: Why the result should not be trusted.
        files: Further files made from it.
        warnings: What a reader of the result should know.
        timings_s: Seconds by step.
        device: What it ran on.
        dice: Overlap with the truth, where that is known.
    """

    input: str
    output: str
    exit_code: int
    message: str = ""
    output_bytes: int = 0
    bone_ml: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    doubts: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    dice: Mapping[str, float] = field(default_factory=dict)


class RunRecord:
    """The run.json of one run.

    Args:
        path: Of the file.
        facts: Plain values that hold for the whole run: method, weights, options, prompts.
        resume: Whether complete cases of the earlier run in that file stay.

    Raises:
        WriteError: There is a run.json of another program.
        UsageError: The run to go on with was made in another way.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any], *, resume: bool = False) -> None:
        self.path = path
        self._facts = json.loads(json.dumps(dict(facts), default=str))
        self._started = _now()
        self._cases: dict[str, dict[str, Any]] = {}
        earlier = _read(path)
        if resume and earlier is not None:
            changed = [key for key in _SAME_WHEN_RESUMED if earlier.get(key) != self._facts.get(key)]
            if changed:
                raise UsageError(
                    f"The run in {path} was made with other {' and '.join(changed)}. Give the same ones to go on with "
                    "it, or --force to begin again."
                )
            self._started = earlier.get("started", self._started)
            self._cases = {str(case["output"]): case for case in earlier["cases"]}

    def finished(self, case: Case) -> int | None:
        """The exit code of a case that was finished earlier and whose mask is still as it was written, else None."""
        known = self._cases.get(str(case.output.resolve()))
        if known is None or known["input"] != str(case.input.resolve()):
            return None
        whole = case.output.is_file() and case.output.stat().st_size == known["output_bytes"]
        return int(known["exit_code"]) if whole else None

    def add(self, case: CaseRecord) -> None:
        """Nothing; the file then tells of the case too."""
        self._cases[case.output] = asdict(case)
        self.write()

    def write(self, exit_code: int | None = None) -> None:
        """Nothing; the file is written, whole or not at all.

        Args:
            exit_code: Of the whole run, once it has ended.
        """
        from anybone.core.atomic import write_whole

        cases = list(self._cases.values())
        content = {
            "anybone": {"layout": _LAYOUT},
            "version": __version__,
            "started": self._started,
            "finished": _now() if exit_code is not None else None,
            "exit_code": exit_code,
            **self._facts,
            "device": next((case["device"] for case in reversed(cases) if case["device"]), None),
            "cases": cases,
        }
        write_whole(self.path, json.dumps(content, indent=2) + "\n")


def _read(path: Path) -> dict[str, Any] | None:
    """What an earlier run left; None where there was none."""
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["anybone"]["layout"] == _LAYOUT and all("output" in case for case in content["cases"]):
            return dict(content)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise WriteError(
        f"{path} is not of this version of anybone, and the run's own record would take its place. "
        "Move it, or choose another output with -o."
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
