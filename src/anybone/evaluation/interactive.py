"""Interactive evaluation: Dice over rounds of clicks, by case and simulated user, and their summaries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anybone.core.atomic import write_whole
from anybone.core.errors import GeometryError, NothingFoundError
from anybone.evaluation.clicks import Curve, Per, click_curve
from anybone.evaluation.grids import onto
from anybone.evaluation.matching import Match
from anybone.evaluation.statistics import Summary, caution, summary_of
from anybone.io import read, read_segmentation

if TYPE_CHECKING:
    from anybone.inference.segmenter import Segmenter

SHOWN_ROUNDS = (0, 1, 3, 10)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CaseCurve:
    """The curve of one user on one case."""

    name: str
    patient: str
    user: str
    curve: Curve


@dataclass(frozen=True)
class Clicked:
    """All curves, and how they were made.

    Attributes:
        method: Name of the corrected method.
        curves: One for each case and user.
        rounds: At most.
        per: Unit of a round: a click on each slice, or one in the volume.
        reach: The Dice that users wanted to reach.
    """

    method: str
    curves: tuple[CaseCurve, ...]
    rounds: int
    per: Per
    reach: float

    @property
    def users(self) -> list[str]:
        """In the order in which they were asked for."""
        return list(dict.fromkeys(one.user for one in self.curves))

    def of(self, user: str) -> list[CaseCurve]:
        """Return the curves of a user."""
        return [one for one in self.curves if one.user == user]

    def after(self, user: str, rounds: int) -> Summary:
        """Dice after so many rounds, over patients."""
        return _over_patients((one.patient, one.curve.dsc[min(rounds, self.rounds)]) for one in self.of(user))

    def area(self, user: str) -> Summary:
        """Area under the curves, over patients."""
        return _over_patients((one.patient, one.curve.area) for one in self.of(user))

    def reached(self, user: str) -> tuple[int, float | None]:
        """Return the number of cases that reached the Dice, and their median number of clicks."""
        clicks = [one.curve.clicks[n] for one in self.of(user) if (n := one.curve.rounds_to(self.reach)) is not None]
        return len(clicks), float(np.median(clicks)) if clicks else None

    def to_dict(self) -> dict[str, Any]:
        """Curves and summaries as plain values."""
        return {
            "method": self.method,
            "rounds": self.rounds,
            "per": self.per,
            "reach": self.reach,
            "curves": [
                {"name": one.name, "patient": one.patient, "user": one.user, **asdict(one.curve)} for one in self.curves
            ],
            "summary": {user: self._summary(user) for user in self.users},
        }

    def _summary(self, user: str) -> dict[str, Any]:
        reached, clicks = self.reached(user)
        shown = [n for n in SHOWN_ROUNDS if n <= self.rounds]
        patients = len({one.patient for one in self.of(user)})
        return {
            "dsc_after_rounds": {str(n): asdict(self.after(user, n)) for n in shown},
            "area": asdict(self.area(user)),
            "reached": reached,
            "median_clicks_to_reach": clicks,
            "caution": caution(patients),
        }


def click_cases(
    segmenter: Segmenter,
    cases: Sequence[Match],
    users: Sequence[str] = ("center",),
    *,
    rounds: int = 10,
    per: Per = "slice",
    reach: float = 0.9,
    ignore: frozenset[int] = frozenset(),
    progress: Progress = lambda step, done, total: None,
) -> Clicked:
    """Corrects the automatic answer on each case as each user would.

    Args:
        segmenter: Segmenter whose masks are corrected.
        cases: Cases from `matching.match`, with images in place of predictions.
        users: Keys of `clicks.USERS`.
        rounds: At most.
        per: Whether a round is a click on each slice, or one in the volume.
        reach: The Dice that users want to reach.
        ignore: Labels of the truth that say that it is not known there.
        progress: Called with (step, done, total).

    Raises:
        GeometryError: A truth does not lie on its image.
        NothingFoundError: There is no case, or a truth has no image.
    """
    if not cases:
        raise NothingFoundError("There are no cases. Give images and their truths.")
    curves = []
    for number, case in enumerate(cases, 1):
        for user, curve in _curves(segmenter, case, users, rounds, per, ignore):
            curves.append(CaseCurve(case.name, case.patient, user, curve))
        progress("click", number, len(cases))
    return Clicked(segmenter.name, tuple(curves), rounds, per, reach)


def _curves(
    segmenter: Segmenter, case: Match, users: Sequence[str], rounds: int, per: Per, ignore: frozenset[int]
) -> Iterator[tuple[str, Curve]]:
    if case.prediction is None:
        raise NothingFoundError(f"{case.name} has no image.")
    volume, truth = read(case.prediction), read_segmentation(case.truth)
    try:
        truth = onto(truth, volume.geometry)
    except GeometryError as error:
        raise GeometryError(f"{case.truth} does not lie on {case.prediction}: resample the truth first.") from error
    labels = sorted(ignore | ({case.ignore_label} if case.ignore_label is not None else set()))
    known = ~np.isin(truth.labels, labels)
    session = segmenter.session(volume)
    for user in users:
        fresh = session.reset().automatic()  # slices stay encoded
        yield user, click_curve(fresh, truth.mask & known, rounds, user, per=per, known=known)


def _over_patients(values: Iterable[tuple[str, float]]) -> Summary:
    by: dict[str, list[float]] = defaultdict(list)
    for patient, value in values:
        by[patient].append(value)
    return summary_of({patient: float(np.mean(of)) for patient, of in by.items()}, sum(map(len, by.values())))


def write_clicked(clicked: Clicked, path: Path) -> None:
    """Write curves and summaries as JSON.

    Raises:
        WriteError: The system refuses.
    """
    write_whole(path, json.dumps(clicked.to_dict(), indent=1) + "\n")
