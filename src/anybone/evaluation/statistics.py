"""Statistics over patients: several cases of one patient are one observation, their mean.

Intervals are percentile bootstraps of the mean (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
13), patients drawn with replacement. Differences of two methods on the same patients are tested with Wilcoxon's signed
rank test; p-values of a family are corrected as Holm did (Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.evaluation.scores import Score

DRAWS, SEED, LEVEL = 10_000, 0, 0.95
FEW = 10  # patients, below which a bootstrap's interval is known to be too narrow
_ALMOST_NONE = 3  # below this there is no interval
_DECIDED = 0.05

Interval = tuple[float, float]


@dataclass(frozen=True)
class Summary:
    """One metric over patients.

    Attributes:
        patients: With a value.
        cases: With a value.
        mean: Over patients.
        ci95: 95 % interval of the mean; None for fewer than three patients.
        median: Over patients.
        low: The worst patient's value where large is good, else just the smallest.
        high: The largest.
        undefined: Cases without a value.
    """

    patients: int
    cases: int
    mean: float | None
    ci95: Interval | None
    median: float | None
    low: float | None
    high: float | None
    undefined: int


@dataclass(frozen=True)
class Comparison:
    """A metric of two methods on the same patients: the first minus the second.

    Attributes:
        patients: That both have a value of.
        difference: Mean over patients.
        ci95: 95 % interval of that mean; None for fewer than three patients.
        p: p-value of Wilcoxon's signed-rank test, two-sided; None if too few patients differ.
        p_holm: Corrected for all comparisons of the family.
        words: Conclusion, as a sentence.
    """

    patients: int
    difference: float | None
    ci95: Interval | None
    p: float | None
    p_holm: float | None
    words: str


def by_patient(scores: Iterable[Score], metric: str) -> dict[str, float]:
    """Return the mean of a metric over the defined cases of each patient."""
    values: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        value = score.values.get(metric)
        if value is not None:
            values[score.patient].append(value)
    return {patient: float(np.mean(of)) for patient, of in values.items()}


def summarize(scores: Sequence[Score], metric: str) -> Summary:
    """Return the summary of the metric over patients."""
    defined = sum(score.values.get(metric) is not None for score in scores)
    return summary_of(by_patient(scores, metric), defined, undefined=len(scores) - defined)


def summary_of(values: Mapping[str, float], cases: int, undefined: int = 0) -> Summary:
    """Return the summary of values by patient, from this number of cases."""
    patients = np.array(list(values.values()))
    if not len(patients):
        return Summary(0, 0, None, None, None, None, None, undefined)
    return Summary(
        len(patients),
        cases,
        float(patients.mean()),
        interval(patients),
        float(np.median(patients)),
        float(patients.min()),
        float(patients.max()),
        undefined,
    )


def interval(patients: NDArray[np.float64]) -> Interval | None:
    """Return the 95 % interval of the mean over patients, deterministic; None for fewer than three patients."""
    if len(patients) < _ALMOST_NONE:
        return None
    from scipy.stats import bootstrap

    rng = np.random.default_rng(SEED)
    result = bootstrap((patients,), np.mean, n_resamples=DRAWS, confidence_level=LEVEL, method="percentile", rng=rng)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def compare(pairs: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]]) -> dict[str, Comparison]:
    """Compare the two values of each patient, for a family of comparisons such as several methods with one."""
    tested = {}
    for name, (first, second) in pairs.items():
        both = sorted(set(first) & set(second))
        tested[name] = np.array([first[patient] - second[patient] for patient in both])
    p = {name: _wilcoxon(differences) for name, differences in tested.items()}
    corrected = holm({name: value for name, value in p.items() if value is not None})
    return {
        name: Comparison(
            len(differences),
            float(differences.mean()) if len(differences) else None,
            interval(differences),
            p[name],
            corrected.get(name),
            _words(len(differences), corrected.get(name)),
        )
        for name, differences in tested.items()
    }


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Return p-values corrected for multiple comparisons by Holm's step-down method."""
    corrected, largest = {}, 0.0
    for rank, name in enumerate(sorted(p, key=lambda key: p[key])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[name]))
        corrected[name] = largest
    return corrected


def least_p(patients: int) -> float:
    """Return the smallest possible p-value of a two-sided signed-rank test with this number of patients."""
    return min(1.0, math.ldexp(1, 1 - patients))


def caution(patients: int) -> str | None:
    """Return a caution about a small number of patients; None for enough patients."""
    if patients < _ALMOST_NONE:
        return f"{patients} patient{'s' * (patients != 1)}: nothing can be said about others."
    if patients < FEW:
        return f"{patients} patients: the interval is likely too narrow, and one patient can move it."
    return None


def _wilcoxon(differences: NDArray[np.float64]) -> float | None:
    from scipy.stats import wilcoxon

    moved = differences[differences != 0]
    if least_p(len(moved)) > _DECIDED:
        return None if len(moved) or not len(differences) or least_p(len(differences)) > _DECIDED else 1.0
    tied = len(np.unique(np.abs(moved))) < len(moved)
    exact = not tied and len(moved) <= 50
    return float(wilcoxon(moved, method="exact" if exact else "asymptotic").pvalue)


def _words(patients: int, p: float | None) -> str:
    if p is None:
        return (
            f"{patients} patients are too few: no difference among so few, however large, would be significant at "
            f"{_DECIDED:g} in a signed rank test."
        )
    return f"{'A difference' if p < _DECIDED else 'No difference shown'} (p = {p:.2g}, {patients} patients)."
