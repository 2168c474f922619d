"""Recipe of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from anybone.core.errors import UsageError
from anybone.training.config import TrainingConfig


@dataclass(frozen=True)
class Data:
    """Data of a run.

    Attributes:
        cases: Folders of cases with bone references, or manifests of them.
        corpus: Folders of label maps of synthetic anatomy.
        hold_out: Patients that are never trained on; empty: those that the data hold out.
    """

    cases: tuple[Path, ...] = ()
    corpus: tuple[Path, ...] = ()
    hold_out: tuple[str, ...] = ()

    def shares(self) -> dict[str, float]:
        """Return the default fraction of the images of each source: equal fractions."""
        return {name: 1.0 for name, given in (("real", self.cases), ("synthetic", self.corpus)) if given}


@dataclass(frozen=True)
class Recipe:
    """Data and configuration of a run, and the name of its weights.

    Attributes:
        data: Data to train on.
        training: Every number of it.
        name: Name of the weights.
        license: Under which the weights may be used.

    Raises:
        UsageError: It draws from a source that the data do not give.
    """

    data: Data
    training: TrainingConfig = field(default_factory=TrainingConfig)
    name: str = "trained"
    license: str = "not stated"

    def __post_init__(self) -> None:
        given = self.data.shares()
        missing = sorted(name for name, share in self.training.sources.items() if share > 0 and name not in given)
        if missing or not given:
            raise UsageError(
                f"The recipe draws from {', '.join(missing) or 'nothing'}; [data] has {', '.join(given) or 'none'}. "
                'Real slices come from cases = "FOLDER", synthetic ones from corpus = "FOLDER".'
            )
