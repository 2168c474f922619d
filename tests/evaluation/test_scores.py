"""Scores of cases that can be counted by hand, and what is empty, ignored or named otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import anybone
from anybone.core.errors import GeometryError, UsageError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.evaluation.scores import Measures, score

SHAPE, SPACING = (20, 20, 6), (0.5, 0.5, 3.0)


def seen(*blocks: tuple[int, int, int], names=None, spacing=SPACING) -> Segmentation:
    """Blocks 6 voxels wide, each (label, from i, to i), on slices 1 to 4."""
    labels = np.zeros(SHAPE, dtype=np.uint16)
    for label, first, last in blocks:
        labels[first:last, 4:10, 1:5] = label
    return Segmentation(labels, Geometry(SHAPE, np.diag([*spacing, 1])), names or {1: "femur", 2: "tibia"})


def test_truth_as_prediction_is_perfect_in_every_label():
    truth = seen((1, 2, 8), (2, 10, 16))
    for one in score(truth, truth):
        expected = {"dsc": 1, "nsd": 1, "nsd_1mm": 1, "hd95_mm": 0, "assd_mm": 0, "volume_error": 0, "f1": 1}
        assert one.values == expected
    assert [one.label for one in score(truth, truth)] == ["bone", "femur", "tibia"]


def test_one_voxel_aside():
    moved, truth = seen((1, 3, 9)), seen((1, 2, 8))
    both, femur = score(moved, truth, Measures(tolerances_mm=(0.5, 0.4)))
    assert both.values["dsc"] == pytest.approx(2 * 5 / 12)  # 5 of 6 layers in common
    assert both.values["hd95_mm"] == pytest.approx(0.5)
    assert both.values["nsd"] == 1
    assert 0 < both.values["nsd_0.4mm"] < 1
    assert both.values["volume_error"] == 0
    assert both.truth_ml == pytest.approx(6 * 6 * 4 * 0.75 / 1000)
    assert femur.values == both.values


def test_what_is_empty_is_told_and_counts_as_asked():
    truth, nothing = seen((1, 2, 8)), seen()
    (both,) = score(nothing, nothing)
    assert both.empty == "both"
    assert set(both.values.values()) == {None}
    assert score(nothing, nothing, Measures(both_empty="perfect"))[0].values["dsc"] == 1
    missed = score(nothing, truth)[0]
    assert (missed.empty, missed.values["dsc"], missed.values["hd95_mm"]) == ("prediction", 0, None)
    assert (missed.values["nsd"], missed.values["f1"], missed.values["volume_error"]) == (0, 0, -1)
    false_positives = score(truth, nothing)[0]
    assert (false_positives.empty, false_positives.values["dsc"], false_positives.values["volume_error"]) == (
        "truth",
        0,
        None,
    )
    diagonal = np.linalg.norm(np.multiply(SHAPE, SPACING))
    assert score(nothing, truth, Measures(one_empty="diagonal"))[0].values["assd_mm"] == pytest.approx(diagonal)


def test_a_prediction_of_nothing_misses_each_bone():
    labels = {one.label: one.values["dsc"] for one in score(seen(), seen((1, 2, 8), (2, 10, 16)))}
    assert labels == {"bone": 0, "femur": 0, "tibia": 0}


def test_bones_are_matched_by_name_not_by_number():
    truth = seen((1, 2, 8), (2, 10, 16))
    other = seen((2, 2, 8), (1, 10, 16), names={2: "femur", 1: "tibia"})
    assert all(one.values["dsc"] == 1 for one in score(other, truth))


def test_a_prediction_without_names_is_measured_as_a_whole():
    truth, whole = seen((1, 2, 8), (2, 10, 16)), seen((1, 2, 8), (1, 10, 16), names={1: "bone"})
    assert [(one.label, one.values["dsc"]) for one in score(whole, truth)] == [("bone", 1)]
    assert anybone.evaluate(whole, truth).notes[0].startswith("A truth tells bones apart")


def test_where_the_truth_is_not_known_nothing_counts():
    truth = seen((1, 2, 8), (255, 8, 20), names={1: "femur", 255: "not known"})
    found = seen((1, 2, 14))
    whole = score(found, truth, Measures(ignore=frozenset({255})))[0]
    assert (whole.values["dsc"], whole.values["nsd"], whole.values["assd_mm"]) == (1, 1, 0)
    assert whole.prediction_ml == whole.truth_ml
    assert score(found, truth)[0].values["dsc"] < 1


def test_slices():
    found, truth = seen((1, 3, 9)), seen((1, 2, 8))
    slices = score(found, truth, Measures(slices=True))[0].slices
    assert [one.dsc for one in slices] == [None, *[pytest.approx(10 / 12)] * 4, None]
    assert slices[1].truth_mm2 == pytest.approx(36 * 0.25)


def test_pieces():
    truth, merged = seen((1, 2, 8), (1, 10, 16)), seen((1, 2, 8), (1, 10, 11))
    one = score(merged, truth, Measures(overlaps=(0.5, 0.1)))[0]
    assert one.pieces == {
        "0.5": {"found": 1, "missed": 1, "false_positives": 1},
        "0.1": {"found": 2, "missed": 0, "false_positives": 0},
    }
    assert (one.values["f1"], one.values["f1_at_0.1"]) == (pytest.approx(0.5), 1)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, -1)])
def test_the_same_voxels_in_another_order_are_the_same(order, flip):
    truth = seen((1, 2, 8), (2, 10, 16))
    turned = np.zeros((4, 4))
    turned[3, 3] = 1
    for own, goal in enumerate(order):
        turned[goal, own] = flip[own]
        turned[goal, 3] += 0 if flip[own] > 0 else SHAPE[goal] - 1
    labels = truth.labels.transpose(order)[tuple(slice(None, None, f) for f in flip)]
    other = Segmentation(labels, Geometry(labels.shape, truth.geometry.affine_ras_mm @ turned), truth.names)
    assert all(one.values["dsc"] == 1 for one in anybone.evaluate(other, truth).scores)
    assert all(one.values["dsc"] == 1 for one in anybone.evaluate(truth, other).scores)


def test_another_grid_is_refused_unless_it_may_be_resampled():
    truth = seen((1, 2, 8))
    coarse = Segmentation(
        truth.labels[::2, ::2], Geometry((10, 10, 6), truth.geometry.affine_ras_mm @ np.diag([2, 2, 1, 1])), truth.names
    )
    with pytest.raises(GeometryError, match="--resample"):
        anybone.evaluate(coarse, truth)
    assert anybone.evaluate(coarse, truth, resample=True)["bone"].values["dsc"] > 0.8


@pytest.mark.parametrize("wrong", [{"tolerances_mm": ()}, {"tolerances_mm": (0.0,)}, {"overlaps": (1.5,)}])
def test_measures_that_cannot_be_meant(wrong):
    with pytest.raises(UsageError):
        Measures(**wrong)
