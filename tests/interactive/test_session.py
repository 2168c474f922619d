from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anybone.core.errors import PromptError
from anybone.core.prompts import Box, MaskHint, Point, Scribble
from anybone.core.volume import Volume
from anybone.inference.options import SegmentOptions
from anybone.inference.segmenter import Segmenter

FIRST, SECOND = (16, 16, 2), (48, 40, 2)  # inside the two bars


@pytest.fixture
def session(segmenter, volume):
    return segmenter.session(volume)


def test_a_point_finds_its_bone_on_its_slice(session, volume):
    session.add(Point(FIRST))
    expected = np.zeros(volume.data.shape, bool)
    expected[8:24, 8:24, 2] = True
    assert np.array_equal(session.mask, expected)
    assert session.slices == [2]


def test_a_click_after_the_first_encodes_nothing(session, network):
    session.add(Point(FIRST))
    session.add(Point(SECOND))
    session.undo()
    session.redo()
    assert network.encoded == 1
    assert session.mask[48, 40, 2]


def test_undo_redo_reset(session):
    session.add(Point(FIRST)).add(Point(SECOND))
    assert session.undo()
    assert not session.mask[48, 40, 2]
    assert session.redo()
    assert session.mask[48, 40, 2]
    assert not session.redo()
    session.reset()
    assert not session.mask.any()
    assert session.prompts == ()
    assert session.undo()
    assert len(session.prompts) == 2
    session.undo(), session.undo()
    assert not session.undo()


def test_a_new_prompt_ends_what_could_be_redone(session):
    session.add(Point(FIRST))
    session.undo()
    session.add(Point(SECOND))
    assert not session.redo()
    assert not session.mask[16, 16, 2]


def test_propagation_follows_the_bone_to_its_end(session, volume):
    session.add(Point(FIRST))
    assert session.propagate() == [0, 1, 3, 4]  # slice 5 is dark
    expected = np.zeros(volume.data.shape, bool)
    expected[8:24, 8:24, :5] = True
    assert np.array_equal(session.mask, expected)
    session.undo()
    assert session.slices == [2]


def test_propagation_in_a_range_and_one_way(session):
    session.add(Point(FIRST))
    assert session.propagate(1, 3) == [1, 3]
    session.undo()
    assert session.propagate(backwards=False) == [3, 4]


def test_propagation_never_changes_prompted_slices(session):
    session.add(Point(FIRST), Point((48, 40, 4)))
    assert session.propagate(2, 4) == [3]
    assert not session.mask[16, 16, 4]


def test_accepting_keeps_earlier_bones(session):
    session.add(Point(FIRST)).propagate()
    assert session.commit("tibia") == 1
    assert session.prompts == ()
    session.add(Box((36, 28, 1), (60, 52, 1)))
    assert session.commit("fibula") == 2
    bones = session.segmentation()
    assert dict(bones.names) == {1: "tibia", 2: "fibula"}
    assert (bones.labels == 1).sum() == 5 * 256
    assert (bones.labels == 2).sum() == 256
    session.undo()
    assert (session.segmentation().labels == 2).sum() == 0


def test_scribble_and_mask(session):
    session.add(Scribble(((16, 10, 0), (16, 20, 0), (47, 40, 0))))
    assert session.mask[16, 16, 0]
    assert session.mask[48, 40, 0]
    rough = np.zeros((64, 64), bool)
    rough[10:20, 10:20] = True
    session.add(MaskHint(rough, index=3, axis=2))
    assert session.mask[..., 3].any()


def test_automatic_then_correct(session, volume):
    session.automatic()
    assert np.array_equal(session.mask, volume.data > 0.5)
    session.add(Point(FIRST))
    assert np.array_equal(session.mask, volume.data > 0.5), "a click on bone that was found changes nothing"
    session.add(Point(SECOND, positive=False))
    assert not session.mask[40:56, 32:48, 2].any()
    assert session.mask[16, 16, 2], "the other bone stays, though the network would take it away"
    assert session.mask[48, 40, 1]


@pytest.mark.parametrize("neighbors", [0.0, 0.8])
def test_a_session_finds_what_the_segmenter_finds(segmenter, volume, neighbors):
    volume = replace(volume, data=volume.data * np.array([1, 0.4, 1, 1, 0.2, 0], np.float32))  # two slices are faint
    options = SegmentOptions(adjacent_slice_weight=neighbors)
    found = segmenter.session(volume, options).automatic().mask
    assert np.array_equal(found, segmenter.logits(volume, options) > 0)
    assert found[:, :, 1].any() == (neighbors > 0)


def test_a_click_that_the_network_need_not_answer_asks_it_nothing(session, network, monkeypatch):
    session.automatic([2])

    def asked(*args, **prompts):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(network, "decode", asked)
    session.add(Point((25, 16, 2)))
    assert session.mask[25, 16, 2]
    with pytest.raises(AssertionError, match="asked"):
        session.add(Point((32, 56, 2)))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s.add(Point((64, 0, 0))),
        lambda s: s.add(MaskHint(np.ones((64, 64), bool), index=9, axis=2)),
        lambda s: s.add(MaskHint(np.ones((64, 6), bool), index=9, axis=0)),
        lambda s: s.propagate(),
        lambda s: s.commit(),
        lambda s: s.automatic([99]),
        lambda s: s.add(Point(FIRST)).propagate(0, 60),
    ],
)
def test_what_cannot_be_meant_is_refused(session, wrong):
    with pytest.raises(PromptError):
        wrong(session)


@pytest.fixture
def deaf(network, monkeypatch) -> Segmenter:
    """Finds what is bright and hears no click."""
    hear = network.decode
    monkeypatch.setattr(network, "decode", lambda embedding, **prompts: hear(embedding))
    return Segmenter(network, name="deaf")


BESIDE = (28, 16, 2)  # outside the first bar, five voxels below it


def test_a_click_is_obeyed_by_a_network_that_hears_none(deaf, volume):
    session = deaf.session(volume).automatic([2])
    before = session.mask
    session.add(Point(BESIDE), Point(SECOND, positive=False))
    assert session.mask[BESIDE]
    assert not session.mask[SECOND]
    assert np.array_equal(session.mask[..., 3], before[..., 3])
    session.undo()
    assert np.array_equal(session.mask, before)


def test_as_published_a_click_may_go_unheeded(deaf, volume):
    session = deaf.session(volume, SegmentOptions(preprocessing="published"))
    assert not session.automatic([2]).add(Point(BESIDE)).mask[BESIDE]


def test_what_is_seen_is_carried_on(deaf, volume, monkeypatch):
    session = deaf.session(volume).automatic([2])
    session.add(Point(SECOND, positive=False))
    carried = []

    def spy(network, embedding, previous, stop, least):
        carried.append(previous[0, 0] > 0)
        return None

    monkeypatch.setattr("anybone.interactive.propagation.next_slice", spy)
    session.propagate()
    row, column = SECOND[0], SECOND[1]
    assert not carried[0][row, column]
    assert carried[0][FIRST[0], FIRST[1]]


def test_a_mask_in_air_is_not_propagated(segmenter, volume):
    data = volume.data.copy()
    data[:, 58:, :5] = 0.0
    session = segmenter.session(Volume(data, volume.geometry))
    session.add(Point((32, 62, 2)))
    assert session.mask[32, 62, 2], "a click is enforced everywhere"
    assert session.propagate() == []
    assert session.history[-1].text.endswith("The mask on slice 2 is in air: add a point on bone.")
    session.reset().add(Point(FIRST))
    assert session.propagate() == [0, 1, 3, 4]
