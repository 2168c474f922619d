"""A report: the scores of all cases, what they come to, and the files it is kept in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from anybone.core.errors import AnyboneError
from anybone.core.segmentation import Segmentation
from anybone.evaluation.grids import onto
from anybone.evaluation.matching import Match
from anybone.evaluation.scores import ALL, DEFAULT, Measures, Score, score, tells_bones_apart
from anybone.evaluation.statistics import Summary, caution, summarize
from anybone.io import read_segmentation

STRATA = ("region", "location", "sequence", "plane", "spacing", "vendor", "field", "site", "sex", "age")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Report:
    """Scores, and what was measured.

    Attributes:
        scores: One for each label of each case.
        measures: Choice of metrics.
        by: The facts that summaries are broken down by.
        notes: Notes to the reader, one sentence each.
    """

    scores: tuple[Score, ...]
    measures: Measures = field(default_factory=Measures)
    by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __getitem__(self, label: str) -> Score:
        """Return the score of a label of the only case."""
        found = [one for one in self.scores if one.label == label]
        if len(found) != 1:
            raise KeyError(f"{len(found)} scores of {label!r}; the labels are {', '.join(self.labels)}")
        return found[0]

    @property
    def labels(self) -> list[str]:
        """All bone together first, then by name."""
        return sorted({one.label for one in self.scores}, key=lambda name: (name != ALL, name))

    @property
    def metrics(self) -> list[str]:
        """Measured metrics."""
        return list(self.scores[0].values) if self.scores else []

    def of(self, label: str = ALL, **facts: str) -> list[Score]:
        """Return the scores of a label in cases with these facts."""
        return [
            one for one in self.scores if one.label == label and all(one.facts.get(k) == v for k, v in facts.items())
        ]

    def strata(self) -> Iterator[tuple[str, str, list[Score]]]:
        """All bone of the cases that share a fact: its name, its value, their scores."""
        for fact in self.by:
            for value in sorted({one.facts.get(fact, "") for one in self.scores}):
                yield fact, value, [one for one in self.of() if one.facts.get(fact, "") == value]

    def summaries(self) -> list[dict[str, Any]]:
        """Return a row for each label, and for all bone in each stratum."""
        rows = [self._row(label, {}, self.of(label)) for label in self.labels]
        return rows + [self._row(ALL, {fact: value}, scores) for fact, value, scores in self.strata()]

    def _row(self, label: str, by: Mapping[str, str], scores: list[Score]) -> dict[str, Any]:
        metrics: dict[str, Summary] = {metric: summarize(scores, metric) for metric in self.metrics}
        patients = len({one.patient for one in scores})
        empties = {kind: sum(one.empty == kind for one in scores) for kind in ("both", "truth", "prediction")}
        return {
            "label": label,
            "by": dict(by),
            "patients": patients,
            "cases": len(scores),
            "empty": empties,
            "caution": caution(patients),
            "metrics": {name: asdict(summary) for name, summary in metrics.items()},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values: "cases", "summary", "measures", "notes"."""
        return {
            "cases": [one.to_dict() for one in self.scores],
            "summary": self.summaries(),
            "measures": asdict(self.measures) | {"ignore": sorted(self.measures.ignore)},
            "by": list(self.by),
            "notes": list(self.notes),
        }


def evaluate(
    prediction: Segmentation, truth: Segmentation, measures: Measures = DEFAULT, *, resample: bool = False
) -> Report:
    """Return the report on one segmentation; `report["bone"].values["dsc"]` is the Dice of all bone together.

    Args:
        prediction: Segmentation to evaluate.
        truth: The reference, on whose grid it is measured.
        measures: Choice of metrics.
        resample: Whether the prediction may lie on another grid; its nearest voxels are taken then.

    Raises:
        GeometryError: The voxels of the prediction lie elsewhere, and `resample` is not set.
    """
    scores = score(onto(prediction, truth.geometry, resample=resample), truth, measures)
    return Report(tuple(scores), measures, notes=tuple(_pooled_alone(scores, prediction, truth)))


def evaluate_cases(
    cases: Sequence[Match],
    measures: Measures = DEFAULT,
    *,
    by: Sequence[str] | None = None,
    resample: bool = False,
    progress: Progress = lambda step, done, total: None,
) -> Report:
    """Return the report on the cases that `matching.match` found.

    Args:
        cases: With their files; a case without a prediction counts as one that found nothing.
        measures: Choice of metrics.
        by: The facts to break down by; None: those of `STRATA` in which cases differ.
        resample: The prediction may be on another grid and is resampled (nearest voxel).
        progress: Called with (step, done, total).

    Raises:
        AnyboneError: A file cannot be read, or does not lie on the truth; the message names the case.
    """
    scores: list[Score] = []
    notes: dict[str, None] = {}
    apart = False
    for number, case in enumerate(cases, 1):
        try:
            truth = read_segmentation(case.truth)
            prediction = _read(case, truth)
            found = onto(prediction, truth.geometry, resample=resample)
        except AnyboneError as error:
            raise type(error)(f"{case.name}: {error}") from error
        known = (
            measures if case.ignore_label is None else replace(measures, ignore=measures.ignore | {case.ignore_label})
        )
        rows = score(found, truth, known, name=case.name, patient=case.patient, facts=case.facts)
        scores += rows
        apart = apart or (len(rows) > 1 and bool(found.mask.any()))
        notes |= dict.fromkeys(_pooled_alone(rows, prediction, truth))
        progress("measure", number, len(cases))
    if not apart:  # what found nothing would be the only case with bones of its own
        scores = [one for one in scores if one.label == ALL]
    missing = [case.name for case in cases if case.prediction is None]
    if missing:
        notes[f"{len(missing)} cases had no prediction and count as empty: {', '.join(missing)}."] = None
    return Report(tuple(scores), measures, tuple(_known_facts(cases) if by is None else by), tuple(notes))


def _read(case: Match, truth: Segmentation) -> Segmentation:
    if case.prediction is None:
        return Segmentation(truth.labels * 0, truth.geometry)
    return read_segmentation(case.prediction)


def _pooled_alone(scores: Sequence[Score], prediction: Segmentation, truth: Segmentation) -> Iterator[str]:
    if len(scores) == 1 and not tells_bones_apart(prediction, truth) and len(set(truth.names) & _used(truth)) > 1:
        yield "A truth tells bones apart where its prediction does not: there all bone together is measured alone."


def _used(segmentation: Segmentation) -> set[int]:
    return set(np.flatnonzero(np.bincount(segmentation.labels.ravel())).tolist())


def _known_facts(cases: Sequence[Match]) -> list[str]:
    return [fact for fact in STRATA if len({case.facts.get(fact, "") for case in cases}) > 1]
