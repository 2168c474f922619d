"""Cohorts of blocks: facts that can be counted by hand, and one result that is unlike the rest."""

from __future__ import annotations

import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.evaluation.cohort import BoneFacts, Result, facts_of, flags, modified_z
from anybone.evaluation.scores import ALL


def bone(volume=100.0, pieces=1, holes=0.0, border=0.1, right=0.0) -> BoneFacts:
    return BoneFacts(volume, pieces, holes, border, right)


def cohort(**last) -> list[Result]:
    """Nine results that are alike, and one more."""
    alike = [Result(f"c{n}", {ALL: bone(90.0 + 2.5 * n, border=0.09 + 0.0025 * n)}) for n in range(9)]
    return [*alike, Result("odd", {ALL: bone(**last)})]


def test_facts_of_a_block_with_a_hole():
    labels = np.zeros((10, 10, 6), dtype=np.uint16)
    labels[0:6, 2:8, 1:5] = 1
    labels[2:4, 4:6, 2:4] = 0
    labels[9, 9, 5] = 1
    facts = facts_of(Segmentation(labels, Geometry(labels.shape, np.diag([1, 1, 2, 1]))))
    assert set(facts) == {ALL}
    one = facts[ALL]
    voxels = 6 * 6 * 4 - 8 + 1
    assert one.volume_ml == pytest.approx(voxels * 2 / 1000)
    assert (one.pieces, one.holes, one.border) == (2, pytest.approx(8 / voxels), pytest.approx(25 / voxels))


def test_labels_have_facts_of_their_own():
    labels = np.zeros((8, 4, 4), dtype=np.uint16)
    labels[1:3, 1:3, 1:3], labels[5:7, 1:3, 1:3] = 1, 2
    facts = facts_of(Segmentation(labels, Geometry((8, 4, 4), np.eye(4)), {1: "left femur", 2: "right femur"}))
    assert set(facts) == {ALL, "left femur", "right femur"}
    assert facts["right femur"].center_right_mm == pytest.approx(5.5)
    assert facts_of(Segmentation(labels * 0, Geometry((8, 4, 4), np.eye(4)))) == {}


def test_a_robust_score_by_hand():
    # median 3, distances 2 1 0 1 97: MAD 1
    assert modified_z(np.array([1.0, 2, 3, 4, 100])) == pytest.approx(0.6745 * np.array([-2, -1, 0, 1, 97]))
    # more than half alike: the mean absolute deviation, 10 / 5, stands in
    assert modified_z(np.array([5.0, 5, 5, 5, 15])) == pytest.approx(0.7979 * np.array([0, 0, 0, 0, 5]), abs=1e-9)
    assert not modified_z(np.full(6, 2.0)).any()


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"volume": 300.0}, "All bone: volume 300 ml, usually"),
        ({"volume": 30.0}, "All bone: volume 30 ml, usually"),
        ({"pieces": 14}, "All bone: pieces 14, usually 1."),
        ({"holes": 0.2}, "All bone: holes 20% of its volume, usually 0%."),
        ({"border": 0.5}, "All bone: border 50% of it on the border of the image, usually"),
    ],
)
def test_what_is_unlike_the_rest_is_told(odd, told):
    found = flags(cohort(**odd))
    assert len(found["odd"]) == 1
    assert found["odd"][0].startswith(told)
    assert not any(found[f"c{n}"] for n in range(9))


def test_what_is_like_the_rest_is_not_told():
    assert not any(flags(cohort()).values())
    assert not any(flags(cohort(border=0.0)).values())  # less of it on the border is no fault
    assert not any(flags(cohort(volume=900.0)[-3:]).values())  # three are no rest


def test_what_cannot_be_is_told_of_each_alone():
    mixed = Result("mixed", {"left femur": bone(right=40), "right femur": bone(right=-40)})
    unequal = Result("unequal", {"left femur": bone(right=-40), "right femur": bone(50.0, right=40)})
    fine = Result("fine", {"left femur": bone(right=-40), "right femur": bone(90.0, right=40), "l4": bone()})
    empty = Result("empty", {}, doubts=("This is no MRI.",))
    found = flags([mixed, unequal, fine, empty])
    assert found["mixed"] == ["The left femur lies to the patient's right of the right femur: are sides mixed up?"]
    assert found["unequal"] == ["The left femur has 100.0 ml, the right femur 50.0 ml."]
    assert found["fine"] == []
    assert found["empty"] == ["This is no MRI.", "No bone was found."]


def test_a_bone_that_nearly_all_others_have_is_missed():
    results = [Result(f"c{n}", {"tibia": bone(), "fibula": bone()}) for n in range(8)]
    found = flags([*results, Result("short", {"tibia": bone()})])
    assert found["short"] == ["No fibula, which 8 of 9 results have."]


def test_masks_and_slices_of_low_confidence_are_flagged_without_a_cohort():
    low = Result("low", {ALL: bone()}, confidence=0.41)
    slices = Result("slices", {ALL: bone()}, confidence=0.9, slices={3: 0.03, 4: 0.6, 5: 0.95})
    fine = Result("fine", {ALL: bone()}, confidence=0.9, slices={3: 0.8})
    found = flags([low, slices, fine])
    assert found["low"] == ["Low confidence: 0.41."]
    assert found["slices"] == ["2 slices of low confidence, lowest 0.03 in slice 3."]
    assert found["fine"] == []
