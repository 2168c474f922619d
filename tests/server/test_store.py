"""What survives: a server that goes, a session that idles, an image that is gone."""

from __future__ import annotations

from pathlib import Path

import httpx

from server.conftest import ON_BONE, ON_OTHER, Start
from server.test_jobs import Listening, opened, wait_for


def worked_on(client: httpx.Client) -> str:
    session = opened(client)
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    client.post(f"{session}/commit", json={"bone": "femur_left"})
    client.post(f"{session}/add_point", json={"ijk": ON_OTHER})
    wait_for(lambda: client.get(session).json()["saved"])
    return session


def test_another_server_on_the_same_folder_goes_on(start: Start) -> None:
    first = start()
    session = worked_on(first)
    before, layers = first.get(session).json(), first.get(f"{session}/layers").json()
    second = start()
    (row,) = second.get("/api/sessions").json()
    assert (row["bones"], row["open"], session.endswith(row["id"])) == (["left femur"], False, True)
    after = second.get(session).json()
    assert second.get(f"{session}/layers").json() == layers
    for name in ("bones", "mask_slices", "prompts", "history", "revision", "can_undo", "source", "name"):
        assert after[name] == before[name], name
    assert second.post(f"{session}/undo", json={}).json()["mask_slices"] == []


def test_two_servers_on_one_folder_do_not_write_over_each_other(start: Start) -> None:
    first = start()
    session = worked_on(first)
    wait_for(lambda: first.get(session).json()["saved"])
    second = start()
    tab = Listening(second, session)
    assert second.get(session).json()["mask_slices"] == [2]
    first.post(f"{session}/undo", json={})
    answer = second.post(f"{session}/reset", json={}).json()
    assert answer["mask_slices"] == []
    assert "Another server has changed" in wait_for(lambda: tab.of("error"))[0]["message"]
    third = start()
    assert third.get(session).json()["revision"] == first.get(session).json()["revision"]


def test_opening_again_goes_on_where_it_is_wanted(start: Start) -> None:
    client = start()
    session = worked_on(client)
    again = client.post("/api/sessions", json={"path": "bars.nii.gz", "resume": True}).json()
    assert session.endswith(again["id"])
    assert not session.endswith(client.post("/api/sessions", json={"path": "bars.nii.gz"}).json()["id"])


def test_idle_sessions_are_closed_and_come_back(start: Start) -> None:
    client = start(idle_s=0.1)
    session = worked_on(client)
    wait_for(lambda: client.get("/api/metrics").text.find("anybone_sessions_open 0.0") > 0)
    assert client.get(session).json()["mask_slices"] == [2]


def test_no_more_than_so_many_are_open(start: Start) -> None:
    client = start(sessions=2)
    sessions = [worked_on(client) for _ in range(3)]
    rows = client.get("/api/sessions").json()
    assert sorted(row["open"] for row in rows) == [False, True, True]
    assert all(client.get(session).json()["mask_slices"] == [2] for session in sessions)


def test_an_image_that_is_too_large_is_refused(start: Start) -> None:
    answer = start(memory_bytes=1000).post("/api/sessions", json={"path": "bars.nii.gz"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "TooLarge")


def test_damaged_and_vanished_sessions_are_refused_and_can_be_forgotten(start: Start, tmp_path: Path) -> None:
    first = start()
    session = worked_on(first)
    place = tmp_path / "state" / "sessions" / session.rpartition("/")[2]
    second = start()
    state = place / "session.safetensors"
    kept = state.read_bytes()
    state.write_bytes(kept[: len(kept) // 2])
    answer = second.get(session)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (409, "StateError")
    state.write_bytes(kept)
    (tmp_path / "served" / "bars.nii.gz").unlink()
    assert second.get(session).status_code == 404
    assert second.get("/api/sessions").json()[0]["bones"] == ["left femur"]
    assert second.delete(session).status_code == 204
    assert not place.exists()
