"""Statistics over patients, against scipy and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from anybone.evaluation.scores import Score
from anybone.evaluation.statistics import by_patient, caution, compare, holm, interval, least_p, summarize


def scored(patient: str, dsc: float | None, name: str = "") -> Score:
    return Score(name or patient, "bone", patient, {"dsc": dsc}, 1.0, 1.0, {})


def test_cases_of_one_patient_are_one_observation():
    scores = [scored("a", 0.2, "a1"), scored("a", 0.4, "a2"), scored("b", 0.9), scored("c", None)]
    assert by_patient(scores, "dsc") == {"a": pytest.approx(0.3), "b": 0.9}
    summary = summarize(scores, "dsc")
    assert (summary.patients, summary.cases, summary.undefined) == (2, 3, 1)
    assert summary.mean == pytest.approx(0.6)
    assert summary.ci95 is None  # two patients
    assert summarize(scores[3:], "dsc").mean is None


def test_the_interval_is_that_of_a_percentile_bootstrap():
    values = np.random.default_rng(3).normal(0.9, 0.05, 20)
    low, high = interval(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=np.random.default_rng(5))
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.003)
    assert interval(values) == (low, high)
    assert interval(values[:2]) is None


def test_holm():
    # sorted 0.01, 0.02, 0.03, 0.2 -> 4 * 0.01, 3 * 0.02, max(2 * 0.03, 0.06), max(1 * 0.2, 0.06)
    corrected = holm({"a": 0.03, "b": 0.01, "c": 0.2, "d": 0.02})
    assert corrected == pytest.approx({"b": 0.04, "d": 0.06, "a": 0.06, "c": 0.2})
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1, "b": 1}


def test_two_methods_on_the_same_patients():
    rng = np.random.default_rng(0)
    better = {str(n): float(v) for n, v in enumerate(rng.normal(0.9, 0.05, 14))}
    worse = {name: value - 0.05 + float(rng.normal(0, 0.03)) for name, value in better.items()}
    other = {name: value + float(rng.normal(0, 0.05)) for name, value in better.items()} | {"alone": 0.1}
    found = compare({"worse": (better, worse), "other": (better, other)})
    differences = [better[name] - worse[name] for name in better]
    assert found["worse"].p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)
    assert found["worse"].p_holm == pytest.approx(2 * found["worse"].p)
    assert found["worse"].difference == pytest.approx(np.mean(differences))
    assert found["worse"].words.startswith("A difference")
    assert found["other"].patients == 14
    assert found["other"].words.startswith("No difference shown")


def test_too_few_patients_are_said_to_be():
    assert least_p(5) == pytest.approx(stats.wilcoxon([1, 2, 3, 4, 5], method="exact").pvalue)
    five, none = {str(n): 0.9 for n in range(5)}, {str(n): 0.1 + n / 100 for n in range(5)}
    found = compare({"other": (five, none)})["other"]
    assert found.p is None
    assert "too few" in found.words
    assert compare({"same": ({}, five)})["same"].difference is None
    assert "nothing can be said" in caution(1)
    assert "one patient can move it" in caution(9)
    assert caution(10) is None


def test_no_difference_at_all():
    same = {str(n): 0.5 for n in range(12)}
    found = compare({"same": (same, same)})["same"]
    assert (found.difference, found.p) == (0, 1)
