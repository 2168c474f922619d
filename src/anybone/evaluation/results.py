"""Results of a benchmark: figures by patient, summaries, comparisons, and their files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anybone.core.atomic import write_whole
from anybone.core.errors import ReadError
from anybone.evaluation.benchmark import machine
from anybone.evaluation.jobs import Figures
from anybone.evaluation.methods import method
from anybone.evaluation.protocols import Protocol
from anybone.evaluation.statistics import Comparison, Summary, compare, summary_of
from anybone.io import tables

RESULTS, TABLE = "results.json", "cases.csv"


@dataclass(frozen=True)
class Results:
    """All figures of a benchmark.

    Attributes:
        name: Name of the protocol.
        about: Question that the protocol answers.
        methods: In their order; the others are compared with the first.
        descriptions: Method -> what it is.
        scale: Size of the benchmark: minutes, pixels, machine.
        by: Facts that figures are broken down by.
        rounds: Rounds of clicks after which Dice is reported.
        figures: Figures of all jobs.
    """

    name: str
    about: str
    methods: tuple[str, ...]
    descriptions: Mapping[str, str]
    scale: Mapping[str, Any]
    by: tuple[str, ...]
    rounds: tuple[int, ...]
    figures: tuple[Figures, ...]

    @classmethod
    def of(cls, protocol: Protocol, figures: Sequence[Figures]) -> Results:
        """Return the results of a protocol's finished jobs."""
        names = protocol.methods
        content = {name: "masks of another program" for name in protocol.masks}
        content |= {name: method(name).about for name in names if name not in protocol.masks}
        training = protocol.training
        scale = {
            "minutes": protocol.minutes,
            "steps": 0 if protocol.minutes else training.steps,
            "size_px": training.model.image_size,
            "batch": training.batch,
            "learning_rate": training.learning_rate,
            "seeds": len(protocol.seeds),
            "start": Path(training.start).name if training.start else "",
            "sources": dict(training.sources),
            "split": protocol.split.kind,
            "threads": training.threads,
            "device": training.device,
            "machine": machine(),
        }
        measure = protocol.measure
        return cls(protocol.name, protocol.about, names, content, scale, measure.by, measure.clicks, tuple(figures))

    @property
    def folds(self) -> list[str]:
        """In their order."""
        return list(dict.fromkeys(one.job.fold for one in self.figures))

    @property
    def metrics(self) -> list[str]:
        """Measured metrics."""
        return next((list(case["metrics"]) for one in self.figures for case in one.cases), [])

    def of_method(self, name: str) -> list[Figures]:
        """Return the figures of a method, of all folds and seeds."""
        return [one for one in self.figures if one.job.method == name]

    def by_patient(self, name: str, metric: str = "dsc", **facts: str) -> dict[str, float]:
        """Return a method's metric by patient, the mean over cases and seeds, of cases with these facts."""
        return _means(
            (case["patient"], case["metrics"].get(metric))
            for one in self.of_method(name)
            for case in one.cases
            if all(self.fact(case, one, key) == value for key, value in facts.items())
        )

    @staticmethod
    def fact(case: Mapping[str, Any], figures: Figures, key: str) -> str:
        """Return a fact of a case; "fold" is that of the job."""
        return figures.job.fold if key == "fold" else str(case["facts"].get(key, ""))

    def summary(self, name: str, metric: str = "dsc", **facts: str) -> Summary:
        """Return the summary of a method's metric over patients."""
        values = self.by_patient(name, metric, **facts)
        return summary_of(values, len(values))

    def after(self, name: str, rounds: int, **facts: str) -> Summary:
        """Dice of a method after some rounds of clicks, over patients."""
        values = _means(
            (case["patient"], case["clicks"][str(rounds)])
            for one in self.of_method(name)
            for case in one.cases
            if "clicks" in case and all(self.fact(case, one, key) == value for key, value in facts.items())
        )
        return summary_of(values, len(values))

    def clicked(self) -> list[str]:
        """Methods on which clicks were tried."""
        return [name for name in self.methods if any("clicks" in c for f in self.of_method(name) for c in f.cases)]

    def strata(self) -> list[tuple[str, str]]:
        """Facts in which cases differ, and their values; folds first."""
        rows = [("fold", fold) for fold in self.folds if len(self.folds) > 1]
        for key in self.by:
            values = sorted({str(case["facts"].get(key, "")) for one in self.figures for case in one.cases})
            rows += [(key, value) for value in values if len(values) > 1]
        return rows

    def compared(self, metric: str = "dsc", **facts: str) -> dict[str, Comparison]:
        """Every other method less the first, on the same patients; p-values are corrected for all of them."""
        first, *others = self.methods
        reference = self.by_patient(first, metric, **facts)
        return compare({name: (self.by_patient(name, metric, **facts), reference) for name in others})

    @property
    def words(self) -> list[str]:
        """Return sentences that compare the Dice of each method with the first."""
        first = self.methods[0]
        return [f"{name} and {first}: {one.words}" for name, one in self.compared().items()]

    def parameters(self, name: str) -> int:
        """Numbers of a method's network; 0 for none."""
        return max((one.parameters for one in self.of_method(name)), default=0)

    def steps(self, name: str) -> float:
        """Mean steps of its trainings."""
        return float(np.mean([one.steps for one in self.of_method(name)] or [0]))

    def to_dict(self) -> dict[str, Any]:
        """Return the results as plain values: figures and summaries."""
        summaries = {name: asdict(self.summary(name)) for name in self.methods}
        compared = {name: asdict(one) for name, one in self.compared().items()}
        content = {key: value for key, value in vars(self).items() if key != "figures"}
        return {
            **content,
            "dsc": summaries,
            "dsc_less_the_first": compared,
            "figures": [one.to_dict() for one in self.figures],
        }


def write_results(results: Results, folder: Path) -> None:
    """Write results.json, which can be read again, and cases.csv, a row for each case of each job.

    Raises:
        WriteError: The system refuses.
    """
    write_whole(folder / RESULTS, json.dumps(results.to_dict(), indent=None, separators=(",", ":")) + "\n")
    rows = [
        {
            **asdict(one.job),
            "name": case["name"],
            "patient": case["patient"],
            **case["facts"],
            **case["metrics"],
            **{f"dsc_after_{rounds}": dsc for rounds, dsc in case.get("clicks", {}).items()},
        }
        for one in results.figures
        for case in one.cases
    ]
    tables.write_csv(folder / TABLE, rows)


def read_results(path: Path) -> Results:
    """Read the results that `write_results` wrote.

    Raises:
        ReadError: It holds none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(content[key]) for key in ("methods", "by", "rounds")}
        figures = tuple(map(Figures.from_dict, content["figures"]))
        return Results(
            content["name"],
            content["about"],
            descriptions=content["descriptions"],
            scale=content["scale"],
            figures=figures,
            **lists,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{path} holds no results of `anybone benchmark`: {error!r}.") from error


def _means(values: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    by: dict[str, list[float]] = defaultdict(list)
    for patient, value in values:
        if value is not None:
            by[patient].append(value)
    return {patient: float(np.mean(of)) for patient, of in by.items()}
