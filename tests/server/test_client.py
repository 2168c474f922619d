"""A session on a server is one to Python as it would be here."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

import anybone
from anybone import Box, MaskHint, Point, Scribble
from anybone.core.errors import AnyboneError, PromptError, UsageError
from anybone.core.progress import Cancelled
from anybone.inference.segmenter import Segmenter
from anybone.interactive.session import Session
from anybone.server.client import Client
from anybone.server.remote_session import RemoteSession
from server.conftest import ON_BONE, ON_OTHER, TOKEN, Gated, bars


@pytest.fixture
def far(client: httpx.Client) -> Iterator[Client]:
    with anybone.connect(str(client.base_url), TOKEN) as connected:
        yield connected


def here() -> Session:
    return Segmenter(Gated(), name="bright").session(bars())


def test_it_has_the_members_of_a_session() -> None:
    left_out = {
        "changes_since",
        "layers",
        "snapshot",
        "restore",
        "volume_hash",
        "encoded_slices",
        "provenance",
    }
    members = {name for name, _ in inspect.getmembers(Session) if not name.startswith("_")} - left_out
    assert members - {name for name, _ in inspect.getmembers(RemoteSession)} == set()
    for verb in (
        "add",
        "paint",
        "keep",
        "interpolate",
        "commit",
        "edit",
        "rename",
        "remove",
        "split",
        "merge",
        "undo",
        "reset",
    ):
        ours, theirs = (inspect.signature(getattr(kind, verb)).parameters for kind in (RemoteSession, Session))
        assert list(ours) == list(theirs), verb


def test_the_same_work_gives_the_same_bones(far: Client) -> None:
    sessions = (here(), far.open("bars.nii.gz"))
    for session in sessions:
        session.add(Point(tuple(ON_BONE)), Point((2, 2, 2), positive=False))
        assert session.propagate(backwards=False) == [3, 4]
        assert session.commit("left femur") == 1
        session.add(Box((32, 28, 1), (60, 50, 2)))
        session.add(Scribble((tuple(ON_OTHER), (48, 44, 2))))
        session.paint(0, np.eye(64) > 0)
        session.add(MaskHint(np.eye(64) > 0, 3, 2))
        assert session.undo()
    near, remote = sessions
    np.testing.assert_array_equal(remote.mask, near.mask)
    np.testing.assert_array_equal(remote.slice_mask(1), near.slice_mask(1))
    np.testing.assert_allclose(remote.probability(2), near.probability(2), atol=1 / 255)
    assert (remote.slices, remote.axis, remote.prompts) == (near.slices, near.axis, near.prompts)
    assert (remote.bones, remote.can_redo, remote.revision) == (near.bones, True, near.revision)
    assert [step.text for step in remote.history] == [step.text for step in near.history]
    mine, theirs = remote.segmentation(), near.segmentation()
    np.testing.assert_array_equal(mine.labels, theirs.labels)
    assert (mine.names, mine.geometry) == (theirs.names, theirs.geometry)
    np.testing.assert_array_equal(remote.volume.data, near.volume.data)


def test_every_other_verb(far: Client, tmp_path: Path) -> None:
    session = far.open("bars.nii.gz").automatic([1, 3])
    assert session.interpolate() == [2]
    assert session.commit("all", color_rgb=(1, 2, 3)) == 1
    assert session.split(1) == [1, 2]
    assert session.merge([2], 1).rename(1, "tibia", side="left").bones[0].key == "tibia_left"
    assert session.edit(1).slices == [1, 2, 3]
    assert session.bones == ()
    assert session.commit() == 1
    assert session.add(Point(tuple(ON_BONE))).reset().slices == []
    assert session.redo() is False
    assert session.undo()
    assert session.can_redo
    assert session.redo()
    assert session.statistics()[0]["voxels"] == 3 * 512
    mask, _ = sorted(session.save(tmp_path / "saved"), key=lambda p: p.suffix)
    assert anybone.read_segmentation(mask).mask.sum() == 3 * 512
    session.forget()
    with pytest.raises(AnyboneError, match="Session not found"):
        session.undo()


def test_an_image_of_this_machine_is_sent(far: Client, tmp_path: Path) -> None:
    anybone.write(bars(), tmp_path / "quite mine.nii.gz")
    session = far.send(tmp_path / "quite mine.nii.gz")
    assert session.name == "quite mine"
    assert far.session(session.id).geometry == bars().geometry
    assert session.id in {row["id"] for row in far.sessions()}
    assert [row["name"] for row in far.files()] == ["deeper", "bars.nii.gz"]


def test_errors_are_those_that_a_session_here_raises(far: Client) -> None:
    session = far.open("bars.nii.gz")
    with pytest.raises(PromptError, match="outside the volume"):
        session.add(Point((99, 0, 0)))
    with pytest.raises(AnyboneError, match="Nothing to propagate"):
        session.propagate()
    with pytest.raises(AnyboneError, match=r"'nothing\.nii'"):
        far.open("nothing.nii")


def test_a_job_is_cancelled_by_what_its_progress_raises(far: Client) -> None:
    def stop(step: str, done: int, total: int) -> None:
        raise Cancelled

    session = far.open("bars.nii.gz")
    with pytest.raises(Cancelled):
        session.automatic(progress=stop)
    session.add(Point(tuple(ON_BONE)))


def test_what_is_no_server_is_said(far: Client) -> None:
    with pytest.raises(UsageError, match="begin with http"):
        anybone.connect("localhost:80", TOKEN)
    with pytest.raises(AnyboneError, match="cannot be reached"):
        anybone.connect("http://127.0.0.1:9", TOKEN)
    with pytest.raises(AnyboneError, match="token"):
        anybone.connect(str(far._http.url), "another")
