"""What takes longer: queued, told of, in the way of nobody else, and cancelled."""

from __future__ import annotations

import gc
import json
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from anybone.server.open_session import OpenSession
from server.conftest import ON_BONE, ON_OTHER, Gated, Start


def opened(client: httpx.Client, path: str = "bars.nii.gz") -> str:
    return f"/api/sessions/{client.post('/api/sessions', json={'path': path}).json()['id']}"


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("It did not happen")


class Listening:
    """The events of a session, collected in a thread as another tab would."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self.events: list[tuple[str, Any]] = []
        self._client, self._session = client, session
        self._response = client.send(client.build_request("GET", f"{session}/events"), stream=True)
        assert self._response.headers["content-type"].startswith("text/event-stream")
        threading.Thread(target=self._read, daemon=True).start()
        wait_for(lambda: self.kinds())

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def of(self, kind: str) -> list[Any]:
        return [content for name, content in self.events if name == kind]

    def _read(self) -> None:
        kind = ""
        try:
            for line in self._response.iter_lines():
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data":
                    self.events.append((kind, json.loads(value)))
        except httpx.HTTPError:
            pass


@pytest.fixture
def quick(start: Start) -> httpx.Client:
    return start()


def test_a_range_becomes_a_job_whose_slices_are_shown_as_they_are_found(quick: httpx.Client) -> None:
    session = opened(quick)
    tab = Listening(quick, session)
    answer = quick.post(f"{session}/automatic", json={"first": 1, "last": 3})
    assert (answer.status_code, answer.json()["verb"]) == (202, "automatic")
    (change,) = wait_for(lambda: tab.of("change"))
    assert [row["slice"] for row in change["changed"]["mask"]] == [1, 2, 3]
    assert (change["mask_slices"], change["job"], change["revision"]) == ([1, 2, 3], None, 1)
    assert [event["mask"][0]["slice"] for event in tab.of("preview")] == [1, 2, 3]
    assert tab.of("progress")[-1]["state"] == "done"
    assert tab.of("progress")[-1]["total"] == 3


def test_one_slice_is_answered_at_once(quick: httpx.Client) -> None:
    answer = quick.post(f"{opened(quick)}/automatic", json={"slices": [2]})
    assert (answer.status_code, answer.json()["mask_slices"]) == (200, [2])


def test_two_tabs_see_each_other(quick: httpx.Client) -> None:
    session = opened(quick)
    tabs = [Listening(quick, session) for _ in range(2)]
    assert [tab.of("hello")[0]["revision"] for tab in tabs] == [0, 0]
    assert quick.get("/api/sessions").json()[0]["viewers"] == 2
    answer = quick.post(f"{session}/add_point", json={"ijk": ON_BONE}).json()
    for tab in tabs:
        assert wait_for(lambda tab=tab: tab.of("change")) == [answer]


def test_a_job_is_cancelled_and_leaves_nothing(quick: httpx.Client, network: Gated) -> None:
    session = opened(quick)
    tab = Listening(quick, session)
    network.gate.clear()
    quick.post(f"{session}/automatic", json={})
    assert network.at_gate.wait(10)
    refused = quick.post(f"{session}/add_point", json={"ijk": ON_BONE})
    assert (refused.status_code, refused.json()["error"]["kind"]) == (409, "Busy")
    assert quick.get(session).json()["job"]["state"] == "running"
    threading.Timer(0.3, network.gate.set).start()
    answer = quick.post(f"{session}/cancel", json={}).json()
    assert (answer["job"], answer["mask_slices"], answer["revision"]) == (None, [], 0)
    assert wait_for(lambda: tab.of("change"))[0]["mask_slices"] == []
    assert tab.of("progress")[-1]["state"] == "cancelled"
    assert quick.post(f"{session}/add_point", json={"ijk": ON_BONE}).status_code == 200


def test_jobs_wait_in_line_and_know_their_place(start: Start, network: Gated) -> None:
    client = start(queue=2)
    sessions = [opened(client) for _ in range(4)]
    network.gate.clear()
    jobs = [client.post(f"{sessions[0]}/automatic", json={}).json()]
    assert network.at_gate.wait(10)
    jobs += [client.post(f"{session}/automatic", json={}).json() for session in sessions[1:3]]
    assert [job["position"] for job in jobs] == [0, 1, 2]
    full = client.post(f"{sessions[3]}/automatic", json={})
    assert (full.status_code, full.json()["error"]["kind"]) == (503, "Overloaded")
    client.post(f"{sessions[1]}/cancel", json={})
    assert client.get(sessions[2]).json()["job"]["position"] == 1
    network.gate.set()
    wait_for(lambda: client.get(sessions[2]).json()["mask_slices"] == [0, 1, 2, 3, 4])
    assert client.get(sessions[1]).json()["mask_slices"] == []


def test_somebody_elses_click_goes_before_the_rest_of_a_job(start: Start, network: Gated) -> None:
    """The job's first slice waits at the gate; once that opens, the click is answered before the job is done."""
    client = start()
    one, other = opened(client), opened(client, "deeper/more.nii.gz")
    network.gate.clear()
    client.post(f"{one}/automatic", json={})
    assert network.at_gate.wait(10)
    threading.Timer(0.3, network.gate.set).start()
    answer = client.post(f"{other}/add_point", json={"ijk": ON_OTHER})
    assert answer.status_code == 200
    wait_for(lambda: len(client.get(one).json()["mask_slices"]) == 5)


def test_what_fails_in_a_job_is_told(quick: httpx.Client) -> None:
    session = opened(quick)
    tab = Listening(quick, session)
    quick.post(f"{session}/propagate", json={})
    last = wait_for(lambda: [job for job in tab.of("progress") if job["state"] == "failed"])[0]
    assert "Nothing to propagate" in last["error"]
    assert quick.get(session).json()["job"] is None


def test_neighbors_are_encoded_ahead(quick: httpx.Client, network: Gated) -> None:
    session = opened(quick)
    wait_for(lambda: network.encoded >= 6)  # the middle slice and three on either side, of six
    before = network.encoded
    quick.post(f"{session}/add_point", json={"ijk": ON_BONE})
    assert quick.post(f"{session}/prefetch", json={"slice": 1}).status_code == 204
    time.sleep(0.4)
    assert network.encoded == before  # known already


def test_many_at_once_each_get_their_own(start: Start) -> None:
    client = start()

    def work(number: int) -> tuple[list[int], str, int]:
        session = opened(client)
        name, clicked = f"bone {number}", [ON_BONE, ON_OTHER][number % 2]
        for index in range(4):
            client.post(f"{session}/add_point", json={"ijk": [*clicked[:2], index]})
        answered = client.post(f"{session}/undo", json={}).json()["mask_slices"]
        (bone,) = client.post(f"{session}/commit", json={"name": name}).json()["bones"]
        return answered, bone["name"], bone["voxels"]

    with ThreadPoolExecutor(6) as people:
        found = list(people.map(work, range(6)))
    assert found == [([0, 1, 2], f"bone {number}", 3 * 256) for number in range(6)]


def test_what_has_ended_holds_no_session(start: Start) -> None:
    client = start(sessions=1)
    session = opened(client)
    job = client.post(f"{session}/automatic", json={"first": 0, "last": 3}).json()
    wait_for(lambda: client.get(f"{session}/jobs/{job['id']}").json()["state"] == "done")
    (opened_session,) = [
        found for found in gc.get_objects() if type(found) is OpenSession and session.endswith(found.id)
    ]
    kept = weakref.ref(opened_session)
    del opened_session
    opened(client)  # closes the other

    def gone() -> bool:
        gc.collect()
        return kept() is None

    assert wait_for(gone)
    assert client.get(f"{session}/jobs/{job['id']}").json()["state"] == "done"
