"""What a session does beside prompts: painting, filling between, and all that is done to accepted bones."""

from __future__ import annotations

import numpy as np
import pytest

from anybone.core.errors import PromptError
from anybone.core.geometry import Geometry
from anybone.core.progress import Cancelled
from anybone.core.prompts import Box, Lasso, Point
from anybone.core.volume import Volume
from anybone.inference.options import SegmentOptions
from anybone.inference.quality import Calibration, QualityEstimator
from anybone.inference.segmenter import Segmenter

FIRST, SECOND = (16, 16, 2), (48, 40, 2)  # inside the two bars


@pytest.fixture
def session(segmenter, volume):
    return segmenter.session(volume)


def square(low: int, high: int) -> np.ndarray:
    mask = np.zeros((64, 64), bool)
    mask[low:high, low:high] = True
    return mask


# --- painting ---


def test_what_is_painted_stays_whatever_the_network_says(session):
    session.add(Point(FIRST)).paint(2, square(26, 30)).paint(2, square(8, 12), erase=True)
    for _ in range(2):
        assert session.mask[26:30, 26:30, 2].all()
        assert not session.mask[8:12, 8:12, 2].any()
        assert session.mask[16, 16, 2]
        session.automatic([2])
    assert session.mask[48, 40, 2], "all bone was found around it"
    session.add(Point((9, 9, 2)), Box((0, 0, 2), (63, 63, 2)))
    assert not session.mask[8:12, 8:12, 2].any(), "not even a click undoes it"
    session.reset()
    assert not session.mask.any()


def test_the_last_stroke_counts_and_is_undone(session):
    session.paint(1, square(10, 20)).paint(1, square(15, 30), erase=True)
    assert session.slice_mask(1).sum() == 100 - 25
    session.undo()
    assert np.array_equal(session.slice_mask(1), square(10, 20))
    session.undo()
    assert session.slices == []


def test_painting_alone_encodes_nothing_and_can_be_followed(session, network, volume):
    session.paint(2, square(8, 24))
    assert network.encoded == 0
    assert session.propagate(1, 3) == [1, 3]
    assert session.slice_mask(3)[16, 16]
    assert not session.slice_mask(3)[48, 40]


def test_painted_slices_are_answered(session):
    session.add(Point(FIRST)).paint(3, square(60, 63), erase=True)
    assert 3 not in session.propagate()
    assert not session.slice_mask(3).any()


# --- lasso ---


def test_a_lasso_finds_what_lies_inside(session):
    session.add(Lasso(((4, 4, 2), (4, 28, 2), (28, 28, 2), (28, 4, 2))))
    assert np.array_equal(session.slice_mask(2), square(8, 24))
    assert session.slices == [2]
    assert session.history[-1].text == "A lasso on slice 2."


def test_a_lasso_leaves_what_lies_outside(session):
    session.automatic([2]).paint(2, square(60, 62))
    session.add(Lasso(((38, 30, 2), (38, 50, 2), (48, 50, 2), (48, 30, 2))))
    assert np.array_equal(session.slice_mask(2)[:32, :32], square(8, 24)[:32, :32])
    assert session.slice_mask(2)[60:62, 60:62].all()
    assert session.slice_mask(2)[40:56, 32:48].all(), "half of the bone was inside, half was found before"
    session.reset().add(Lasso(((38, 30, 2), (38, 50, 2), (48, 50, 2), (48, 30, 2))))
    assert session.slice_mask(2).sum() == pytest.approx(16 * 8.5, abs=8), "all that is new lies inside"


def test_a_lasso_with_a_click_outside(session):
    session.add(Lasso(((4, 4, 2), (4, 28, 2), (28, 28, 2), (28, 4, 2))), Point(SECOND))
    assert session.slice_mask(2)[16, 16]
    assert session.slice_mask(2)[40:56, 32:48].all()


def test_a_lasso_of_nothing(session):
    with pytest.raises(PromptError, match="too thin"):
        session.add(Lasso(((4, 4, 2), (4, 20, 2), (4, 30, 2))))


def test_a_lasso_along_another_axis_is_refused(session):
    with pytest.raises(PromptError, match="another axis"):
        session.add(Lasso(((4, 4, 2), (4, 28, 2), (4, 28, 3))))


@pytest.mark.parametrize("corners", [[], [(0, 0, 0), (1, 1, 0)], [(0, 0, 0), (1, 3, 4), (2, 1, 1)]])
def test_what_is_no_lasso(corners):
    with pytest.raises(PromptError):
        Lasso(tuple(corners))


# --- filling between ---


def test_slices_between_are_filled_and_answered_ones_left(session):
    session.paint(0, square(8, 20)).paint(4, square(8, 28)).add(Point(SECOND))
    assert session.interpolate() == [1, 3]
    session.undo()
    assert session.slices == [0, 2, 4]
    session.undo()
    assert session.interpolate() == [1, 2, 3]
    side = [int(np.sqrt(session.slice_mask(k).sum())) for k in range(5)]
    assert side == sorted(side)
    assert 14 <= side[2] <= 18
    session.undo()
    with pytest.raises(PromptError, match="Nothing to interpolate"):
        session.interpolate(0, 3)


def test_a_filled_slice_is_corrected_by_clicks(session):
    session.paint(0, square(8, 24)).paint(2, square(8, 24)).interpolate()
    assert np.array_equal(session.slice_mask(1), square(8, 24))
    session.add(Point((25, 16, 1)))
    assert session.slice_mask(1)[25, 16]
    session.add(Point((*SECOND[:2], 1)))
    assert session.slice_mask(1)[48, 40], "the network is asked for what is far"
    assert session.slice_mask(1)[10, 10]


# --- accepted bones ---


def accept_both(session):
    session.add(Point(FIRST)).propagate()
    session.commit("femur", side="left")
    session.add(Point(SECOND)).propagate()
    session.commit("my own", color_rgb=(1, 2, 3))
    return session


def test_names_bring_what_is_known_of_them(session):
    first, second = accept_both(session).bones
    assert (first.label, first.name, first.key, first.side) == (1, "left femur", "femur_left", "left")
    assert first.snomed_ct == ("71341001", "Femur")
    assert (second.name, second.key, second.side, second.color_rgb) == ("my own", None, None, (1, 2, 3))
    session.add(Box((0, 40, 0), (7, 60, 0))).paint(0, square(2, 5))
    assert session.commit("femur_left") == 1, "the same bone by its key"
    assert len(session.bones) == 2


def test_statistics(session):
    first, second = accept_both(session).statistics()
    assert (first.voxels, first.first_slice, first.last_slice) == (5 * 256, 0, 4)
    assert first.volume_mm3 == pytest.approx(5 * 256 * 3)
    assert first.extent_mm == pytest.approx((16, 16, 15))
    assert (first.min_ijk, first.max_ijk) == ((8, 8, 0), (23, 23, 4))
    assert (second.min_ijk, second.max_ijk) == ((40, 32, 0), (55, 47, 4))


def test_an_edited_bone_is_the_answer_again_exactly(session):
    accept_both(session)
    before = session.segmentation().labels
    session.edit(1)
    assert np.array_equal(session.mask, before == 1)
    assert [b.label for b in session.bones] == [2]
    session.paint(0, square(8, 12), erase=True)
    assert session.commit() == 1
    assert session.bones[0].name == "left femur"
    assert (session.segmentation().labels == 1).sum() == 5 * 256 - 16
    session.undo(), session.undo(), session.undo()
    assert np.array_equal(session.segmentation().labels, before)


def test_a_bone_whose_editing_is_dropped_is_as_it_was(session):
    accept_both(session)
    before = session.segmentation().labels
    session.edit(1).paint(0, square(0, 30)).reset()
    assert np.array_equal(session.segmentation().labels, before)
    assert len(session.bones) == 2


def test_thin_bone_survives_being_edited(network, volume):
    """A mask finer than the decoder's grid: network pixels are sixteen voxels here."""
    big = Volume(np.zeros((1024, 1024, 2), np.float32) + 0.7, Geometry((1024, 1024, 2), np.eye(4)))
    session = Segmenter(network, name="bright").session(big)
    thin = np.zeros((1024, 1024), bool)
    thin[200:800, 400:402] = True
    session.paint(0, thin)
    session.commit("line")
    session.edit(1)
    assert np.array_equal(session.slice_mask(0), thin)
    session.paint(0, np.eye(1024, dtype=bool), erase=True)
    assert session.slice_mask(0).sum() == thin.sum() - 2


def test_rename_and_remove(session):
    accept_both(session).rename(2, "tibia", side="right")
    assert session.bones[1].key == "tibia_right"
    session.rename(2, color_rgb=(9, 8, 7))
    assert (session.bones[1].name, session.bones[1].color_rgb) == ("right tibia", (9, 8, 7))
    session.remove(1)
    assert [b.name for b in session.bones] == ["right tibia"]
    assert not (session.segmentation().labels == 1).any()
    session.undo()
    assert (session.segmentation().labels == 1).sum() == 5 * 256


def test_split_and_merge(session):
    session.automatic()
    label = session.commit("femur_left")
    both = session.segmentation().labels > 0
    labels = session.split(label)
    assert labels == [1, 2]
    assert [b.name for b in session.bones] == ["femur_left (1)", "femur_left (2)"]
    assert [b.side for b in session.bones] == ["left", "left"]
    assert [f.voxels for f in session.statistics()] == [5 * 256] * 2
    session.merge([1, 2], into=2)
    assert np.array_equal(session.segmentation().labels == 2, both)
    assert [b.label for b in session.bones] == [2]


def test_pieces_that_touch_by_a_corner_are_one(session):
    session.paint(0, square(4, 8)).paint(1, square(8, 12))
    label = session.commit("one")
    with pytest.raises(PromptError, match="one connected component"):
        session.split(label)
    session.paint(4, square(2, 10))
    session.commit("one")
    assert [f.voxels for f in (session.split(label), session.statistics())[1]] == [64, 32]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s.paint(9, square(0, 3)),
        lambda s: s.paint(0, np.ones((3, 3), bool)),
        lambda s: s.paint(0, np.zeros((64, 64), bool)),
        lambda s: s.edit(7),
        lambda s: s.add(Point(FIRST)).edit(1),
        lambda s: s.remove(0),
        lambda s: s.rename(1, "my own"),
        lambda s: s.rename(1, "  "),
        lambda s: s.split(1),
        lambda s: s.merge([1], into=1),
        lambda s: s.merge([1, 9], into=1),
        lambda s: s.add(Point(FIRST)).commit(" "),
        lambda s: s.encode(6),
        lambda s: s.probability(-1),
        lambda s: s.interpolate(),
        lambda s: s.interpolate(0, 99),
    ],
)
def test_what_cannot_be_meant_changes_nothing(session, wrong):
    accept_both(session)
    before = session.segmentation().labels
    with pytest.raises(PromptError):
        wrong(session)
    assert np.array_equal(session.segmentation().labels, before)


# --- what changed ---


def test_only_what_changed_is_told(session):
    session.automatic()
    seen = session.revision
    session.paint(3, square(0, 4))
    changes = session.changes_since(seen)
    assert list(changes.mask) == [3]
    assert not changes.labels
    assert changes.revision == session.revision == seen + 1
    assert np.array_equal(changes.mask[3].to_mask(), session.slice_mask(3))
    session.undo()
    assert session.revision == seen + 2
    assert not session.changes_since(seen).mask, "it is as it was"
    assert list(session.changes_since(seen + 1).mask) == [3]


def test_an_accepted_answer_leaves_one_layer_for_the_other(session):
    session.add(Point(FIRST))
    seen = session.revision
    session.commit("tibia")
    changes = session.changes_since(seen)
    assert not changes.mask[2].any()
    assert changes.labels[2].to_list().count(1) >= 16
    assert np.array_equal(changes.labels[2].to_mask(), session.segmentation().labels[..., 2] == 1)


def test_whoever_missed_too_much_gets_all(session):
    accept_both(session).add(Point(FIRST))
    for unknown in (-1, 10_000):
        changes = session.changes_since(unknown)
        assert changes.complete
        assert sorted(changes.labels) == [0, 1, 2, 3, 4]
        assert list(changes.mask) == [2]
    assert session.layers() == session.changes_since(-1)


def test_applying_changes_one_after_the_other_gives_what_is_there(session):
    shown = np.zeros((64, 64, 6), np.uint16)
    seen = session.revision
    verbs = [
        lambda: session.automatic(),
        lambda: session.paint(0, square(0, 9)),
        lambda: session.commit("a"),
        lambda: session.split(1),
        lambda: session.undo(),
        lambda: session.edit(1),
        lambda: session.reset(),
        lambda: session.undo(),
        lambda: session.redo(),
        lambda: session.remove(1),
        lambda: session.undo(),
    ]
    for verb in verbs:
        verb()
        changes = session.changes_since(seen)
        for k, runs in changes.labels.items():
            shown[..., k] = runs.to_array()
        seen = changes.revision
        assert np.array_equal(shown, session.segmentation().labels)


# --- history ---


def test_history_tells_what_was_done(session):
    assert session.history == ()
    accept_both(session)
    assert [s.verb for s in session.history] == ["add", "propagate", "commit"] * 2
    assert session.history[1].text == "Propagated to 4 slices between 0 and 4."
    assert session.history[2].text == "Committed left femur on slices 0-4."
    session.undo()
    assert len(session.history) == 5
    assert session.can_redo
    session.add(Point(FIRST))
    assert session.history[-1].n == 7, "numbers are never given twice"
    assert not session.can_redo
    assert all(s.time.endswith("+00:00") for s in session.history)


# --- progress, preview, cancelling ---


@pytest.mark.parametrize("verb", ["automatic", "propagate"])
def test_what_is_cancelled_changes_nothing(session, network, verb):
    session.add(Point(FIRST))
    before, seen = session.revision, []

    def preview(index, runs):
        seen.append((index, runs.any()))

    def progress(step, done, total):
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        getattr(session, verb)(progress=progress, preview=preview)
    assert len(seen) == 2
    assert all(found for _, found in seen)
    assert session.revision == before
    assert session.slices == [2]
    encoded = network.encoded
    session.automatic([0, 1])
    assert network.encoded - encoded < 2, "what was encoded is kept"


def test_slices_are_encoded_ahead(session, network):
    assert session.encode(3)
    assert not session.encode(3)
    assert session.encoded_slices == [3]
    session.add(Point((16, 16, 3)))
    assert network.encoded == 1


def test_automatic_encodes_in_batches(segmenter, network, volume, monkeypatch):
    batches, encode = [], network.encode

    def seen(images):
        batches.append(len(images))
        return encode(images)

    monkeypatch.setattr(network, "encode", seen)
    session = segmenter.session(volume, SegmentOptions(batch=3))
    session.encode(1)
    session.automatic()
    assert batches == [1, 2, 2], "slice 1 was known, and slice 5 is dark"
    assert np.array_equal(session.mask, segmenter.session(volume).automatic().mask)


def test_what_is_written_knows_its_source_and_its_colors(session, volume):
    bones = accept_both(session).segmentation()
    assert bones.source is volume.source
    assert bones.colors == {2: (1, 2, 3)}, "the femur has its own"
    assert bones.color(2) == (1, 2, 3)
    assert bones.color(1) == session.bones[0].color_rgb


# --- how far to trust it ---


@pytest.fixture
def judged(network, volume):
    quality_estimator = QualityEstimator(
        Calibration(scale=0.25), least_dice=0.8
    )  # logits of 4 become a probability of 0.73
    return Segmenter(network, name="bright", quality_estimator=quality_estimator).session(volume)


def test_confidence_by_slice(judged):
    judged.automatic()
    p, q = 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))
    inside, anywhere = 512 * p, 512 * p + (64 * 64 - 512) * q
    assert judged.slice_confidence[2] == pytest.approx(2 * inside / (anywhere + 512), abs=0.05)
    assert sorted(judged.slice_confidence) == [0, 1, 2, 3, 4]
    assert judged.flagged == [0, 1, 2, 3, 4]
    judged.add(Point(FIRST))
    assert judged.flagged == [0, 1, 3, 4], "a person has seen to it"
    before = judged.slice_confidence
    label = judged.commit("femur")
    assert judged.slice_confidence == before
    assert judged.statistics()[0].confidence == pytest.approx(before[1], abs=0.02)
    assert judged.edit(label).slice_confidence == before
    assert judged.probability(1)[0, 0] < 0.5 < judged.probability(1)[16, 16]


def test_what_is_painted_is_sure(judged):
    judged.automatic([1])
    before = judged.slice_confidence[1]
    judged.paint(1, ~(judged.slice_mask(1)), erase=True)
    assert judged.slice_confidence[1] > before
    assert judged.probability(1)[0, 0] < 0.15


def test_weights_that_were_never_calibrated_flag_nothing(session):
    session.automatic()
    assert session.slice_confidence == {}
    assert session.flagged == []
    assert session.probability(0).dtype == np.float16
    assert not session.probability(5).any()
    session.commit("bone")
    assert session.statistics()[0].confidence is None


def test_doubts_about_the_image(session):
    assert isinstance(session.input_warnings, tuple)
