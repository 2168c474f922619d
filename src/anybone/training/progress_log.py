"""Progress logs of a run: losses and scores, as tables or for TensorBoard."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from anybone.core.errors import MissingExtraError

LOSSES, SCORES, EVENTS = "log.csv", "validation.jsonl", "events"


@runtime_checkable
class Log(Protocol):
    """Log of losses and scores; `step` counts from 1, `seconds` is the time spent in steps."""

    def losses(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Write the loss by part, and the learning rate."""

    def scores(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Write Dice of held-out patients."""

    def close(self) -> None:
        """Close the log."""


class Tables:
    """Losses in `log.csv`, scores in `validation.jsonl`, a line each.

    Args:
        folder: Folder of the run.
        since: The step that the run goes on from: lines of later ones, which a kill took back, are left out.
    """

    def __init__(self, folder: Path, since: int) -> None:
        self._losses, self._scores = folder / LOSSES, folder / SCORES
        if self._losses.is_file():
            head, *lines = self._losses.read_text().splitlines(keepends=True)
            self._losses.write_text(head + "".join(x for x in lines if int(x.split(",")[0]) <= since))
        if self._scores.is_file():
            lines = self._scores.read_text().splitlines(keepends=True)
            self._scores.write_text("".join(x for x in lines if json.loads(x)["step"] <= since))

    def losses(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Append a line to `log.csv`."""
        row = {"step": step, "seconds": round(seconds, 1), **values}
        new = not self._losses.is_file()
        with self._losses.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)

    def scores(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Append a line to `validation.jsonl`."""
        with self._scores.open("a") as file:
            file.write(json.dumps({"step": step, "minutes": round(seconds / 60, 1), **values}) + "\n")

    def close(self) -> None:
        """Do nothing: each line is complete once it is written."""


class TensorBoard:
    """Losses and scores as TensorBoard's event files, in the folder `events`; arguments as of `Tables`.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, since: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("A log for TensorBoard", "tensorboard") from error
        self._writer = SummaryWriter(str(folder / EVENTS), purge_step=since + 1)

    def losses(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Add curves named loss/PART."""
        self._add("loss", step, values)

    def scores(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Add curves named dice/PATIENT OR REGION, KIND."""
        self._add("dice", step, values)

    def close(self) -> None:
        """Write pending events."""
        self._writer.close()

    def _add(self, group: str, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{group}/{name}", value, step)


# The kinds of logs, each made of the folder of a run and the step that it goes on from.
LOGS: Mapping[str, Callable[[Path, int], Log]] = {"tables": Tables, "tensorboard": TensorBoard}
