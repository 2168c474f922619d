from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from anybone.core.errors import StateError, WriteError
from anybone.core.geometry import Geometry
from anybone.core.prompts import Box, Lasso, MaskHint, Point, Scribble
from anybone.core.volume import Volume, volume_hash
from anybone.inference.options import SegmentOptions
from anybone.inference.segmenter import Segmenter
from anybone.interactive import persistence
from anybone.interactive.persistence import read_summary, restore_session, save_session

FIRST, SECOND = (16, 16, 2), (48, 40, 2)


@pytest.fixture
def worked(segmenter, volume):
    """A session with everything in it, and two steps that were undone."""
    session = segmenter.session(volume)
    session.add(Point(FIRST), Point((30, 30, 2), positive=False)).propagate()
    session.commit("femur", side="left")
    session.add(Box((36, 28, 1), (60, 52, 1)), Scribble(((48, 40, 1), (49, 41, 1)))).paint(1, np.eye(64, dtype=bool))
    session.add(MaskHint(np.tri(64, dtype=bool), 3, 2), Lasso(((30, 30, 4), (30, 60, 4), (60, 60, 4), (60, 30, 4))))
    session.commit("my own", color_rgb=(1, 2, 3))
    session.edit(1).paint(0, np.eye(64, dtype=bool), erase=True)
    session.add(Point(SECOND)).automatic([4])
    session.undo(), session.undo()
    return session


def alike(a, b) -> bool:
    same_prompts = [type(p) for p in a.prompts] == [type(p) for p in b.prompts]
    return (
        np.array_equal(a.mask, b.mask)
        and np.array_equal(a.segmentation().labels, b.segmentation().labels)
        and (a.bones, a.history, a.revision, a.slices) == (b.bones, b.history, b.revision, b.slices)
        and (a.slice_confidence, a.flagged, a.statistics()) == (b.slice_confidence, b.flagged, b.statistics())
        and (a.can_undo, a.can_redo) == (b.can_undo, b.can_redo)
        and same_prompts
    )


def test_a_session_stands_where_it_stood_and_so_does_what_was_before_and_after(worked, segmenter, volume, tmp_path):
    path = tmp_path / "state.safetensors"
    save_session(worked, path)
    again = segmenter.session(volume)
    restore_session(again, path)
    assert alike(again, worked)
    while worked.redo():
        assert again.redo()
        assert alike(again, worked)
    while worked.undo():
        assert again.undo()
        assert alike(again, worked)
    assert not again.can_undo


def test_work_goes_on_as_if_nothing_had_been(worked, segmenter, volume, tmp_path):
    save_session(worked, tmp_path / "s")
    again = segmenter.session(volume)
    restore_session(again, tmp_path / "s")
    for session in (worked, again):
        session.add(Point((16, 16, 2), positive=False))
        session.commit()
        session.add(Point((48, 40, 4))).propagate(3, 4)
    assert np.array_equal(again.mask, worked.mask)
    assert np.array_equal(again.segmentation().labels, worked.segmentation().labels)
    assert again.history[-1].n == worked.history[-1].n


def test_clients_that_saw_the_saved_revision_miss_nothing(worked, segmenter, volume, tmp_path):
    save_session(worked, tmp_path / "s")
    again = segmenter.session(volume)
    restore_session(again, tmp_path / "s")
    assert not again.changes_since(worked.revision).complete
    assert again.changes_since(worked.revision - 1).complete


def test_what_happens_while_it_is_saved_is_left_out(worked):
    kept = worked.snapshot()
    worked.reset()
    assert kept.state is not worked.snapshot().state
    assert len(kept.steps) == len(worked.history) - 1


def test_a_summary_needs_no_volume(worked, tmp_path):
    save_session(worked, tmp_path / "s")
    told = read_summary(tmp_path / "s")
    assert [b.name for b in told.bones] == ["my own"]
    assert (told.shape_ijk, told.axis, told.revision, told.method) == ((64, 64, 6), 2, worked.revision, "bright")
    assert told.steps == len(worked.history)
    assert told.volume_hash == volume_hash(worked.volume)


def test_one_file_that_holds_no_code(worked, tmp_path):
    save_session(worked, tmp_path / "s")
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
    with safe_open(tmp_path / "s", "np") as file:
        assert file.get_tensor("logits").dtype == np.float16
        assert json.loads(file.metadata()["anybone_session"])["layout"] == 2
    save_session(worked, tmp_path / "s")
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_a_session_of_nothing(segmenter, volume, tmp_path):
    save_session(segmenter.session(volume), tmp_path / "s")
    again = segmenter.session(volume)
    restore_session(again, tmp_path / "s")
    assert not again.can_undo
    assert again.history == ()


@pytest.mark.parametrize(
    "other",
    [
        lambda v: Volume(v.data + (v.data > 0.9), v.geometry),
        lambda v: Volume(v.data, Geometry((64, 64, 6), np.diag([1, 1, 3.5, 1]))),
        lambda v: Volume(v.data[:, :, :4], Geometry((64, 64, 4), v.geometry.affine_ras_mm)),
    ],
)
def test_another_volume_is_refused_by_name(worked, segmenter, volume, tmp_path, other):
    save_session(worked, tmp_path / "thigh.safetensors")
    session = segmenter.session(other(volume))
    with pytest.raises(StateError, match=r"thigh\.safetensors is the session of another volume"):
        restore_session(session, tmp_path / "thigh.safetensors")
    assert not session.can_undo


def test_another_axis_is_refused(worked, segmenter, volume, tmp_path):
    save_session(worked, tmp_path / "s")
    with pytest.raises(StateError, match="axis=2"):
        restore_session(segmenter.session(volume, SegmentOptions(axis=0)), tmp_path / "s")


def test_only_a_new_session_takes_it(worked, tmp_path):
    save_session(worked, tmp_path / "s")
    with pytest.raises(StateError, match="new session"):
        restore_session(worked, tmp_path / "s")


def test_a_hash_does_not_depend_on_how_the_array_lies(volume):
    turned = Volume(np.asfortranarray(volume.data), volume.geometry)
    assert volume_hash(turned) == volume_hash(volume)
    assert volume_hash(replace(volume, data=volume.data[::-1].copy())) != volume_hash(volume)


def test_under_other_weights_masks_stay_and_the_network_goes_on(worked, network, volume, tmp_path):
    save_session(worked, tmp_path / "s")
    other = Segmenter(network, name="other").session(volume)
    restore_session(other, tmp_path / "s")
    assert alike(other, worked)
    other.add(Point((48, 40, 2)))
    assert other.slice_mask(2)[48, 40]
    assert other.slice_mask(2)[10, 12], "where nothing was pointed at, it is as it was"
    while other.undo():
        pass
    assert not other.mask.any()


def test_of_a_long_history_the_nearest_states_are_kept(worked, segmenter, volume, tmp_path, monkeypatch):
    monkeypatch.setattr(persistence, "MAX_STATES", 3)
    save_session(worked, tmp_path / "s")
    again = segmenter.session(volume)
    restore_session(again, tmp_path / "s")
    assert np.array_equal(again.mask, worked.mask)
    assert again.undo()
    assert again.undo()
    assert not again.undo()


def test_large_logits_are_bounded(worked, segmenter, volume, tmp_path, monkeypatch):
    monkeypatch.setattr(persistence, "MAX_LOGITS_BYTES", 0)
    save_session(worked, tmp_path / "s")
    again = segmenter.session(volume)
    restore_session(again, tmp_path / "s")
    assert np.array_equal(again.mask, worked.mask), "what is shown is always saved"


def damaged(path, how):
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "text":
        path.write_text("hello")
    else:
        with safe_open(path, "np") as file:
            arrays = {k: file.get_tensor(k).copy() for k in file.keys()}  # noqa: SIM118
            content = json.loads(file.metadata()["anybone_session"])
        if how == "counts":
            arrays["counts"][:] = 1
        elif how == "ends":
            arrays["ends"] = arrays["ends"][:-2]
        elif how == "layout":
            content["layout"] = 99
        elif how == "masks":
            content["masks"] = content["masks"][:1]
        elif how == "prompt":
            content["states"][1]["prompts"][0]["kind"] = "__import__"
        elif how == "metadata":
            save_file(arrays, path)
            return
        save_file(arrays, path, metadata={"anybone_session": json.dumps(content)})


@pytest.mark.parametrize(
    "how", ["cut", "empty", "folder", "text", "counts", "ends", "layout", "masks", "prompt", "metadata"]
)
def test_a_damaged_file_is_refused_by_name(worked, segmenter, volume, tmp_path, how):
    path = tmp_path / "mine.safetensors"
    save_session(worked, path)
    damaged(path, how)
    session = segmenter.session(volume)
    with pytest.raises(StateError, match=r"mine\.safetensors"):
        restore_session(session, path)
    assert not session.can_undo


def test_a_place_that_cannot_be_written_to(worked, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError):
        save_session(worked, tmp_path / "file" / "s")


def test_saved_logits_are_half_as_large(worked, tmp_path):
    save_session(worked, tmp_path / "s")
    some = next(a for a in worked.snapshot().states[2].masks.values())
    assert some.logits is not None
    assert some.logits.dtype == torch.float32


def test_no_damage_ends_in_anything_but_a_refusal(worked, segmenter, volume, tmp_path):
    path = tmp_path / "s"
    save_session(worked, path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        for at in rng.integers(0, 6000, 4):
            data[at] = rng.integers(32, 127)
        path.write_bytes(data)
        session = segmenter.session(volume)
        try:
            restore_session(session, path)
        except StateError:
            refused += 1
            assert not session.can_undo
    assert refused > 20


def test_a_file_of_another_layout_names_the_next_step(worked, segmenter, volume, tmp_path):
    path = tmp_path / "old.safetensors"
    save_session(worked, path)
    damaged(path, "layout")
    with pytest.raises(StateError, match=r"layout is 99.*reads layout 2.*start a new session"):
        restore_session(segmenter.session(volume), path)
