"""Saving beside the work: the latest state of each, nobody waits long, and what fails is told."""

from __future__ import annotations

import threading
from time import perf_counter
from types import SimpleNamespace

import httpx
import pytest

from anybone.core.errors import WriteError
from anybone.server import store
from anybone.server.autosave import WAIT_S, Autosave
from server.conftest import ON_BONE, Start
from server.test_jobs import Listening, opened, wait_for


def work() -> SimpleNamespace:
    class Work(SimpleNamespace):
        __hash__ = object.__hash__

    return Work(closed=False, state=0)


def test_of_a_session_that_changes_meanwhile_the_latest_state_is_saved() -> None:
    gate, saved = threading.Event(), []

    def save(found: SimpleNamespace) -> None:
        gate.wait(10)
        saved.append(found.state)

    autosave, one = Autosave(save, lambda *_: None), work()
    start = perf_counter()
    for state in range(5):
        one.state = state
        assert not autosave.request(one, 0.01)
    assert perf_counter() - start < 5
    gate.set()
    autosave.flush(one)
    assert saved[-1] == 4
    assert len(saved) <= 2
    assert autosave.request(one, None)
    autosave.stop()


def test_what_waits_is_saved_before_the_end_but_not_what_is_closed() -> None:
    saved: list[SimpleNamespace] = []
    autosave, one, other = Autosave(saved.append, lambda *_: None), work(), work()
    other.closed = True
    autosave.request(one, 0)
    autosave.request(other, 0)
    autosave.stop()
    assert saved == [one]


def test_all_who_look_on_hear_that_it_is_saved(start: Start) -> None:
    client: httpx.Client = start()
    session = opened(client)
    tab = Listening(client, session)
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    assert wait_for(lambda: tab.of("saved")) == [{"saved": client.get(session).json()["saved"]}]


def test_what_cannot_be_saved_is_told_and_the_answer_stands(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, opened: object) -> None:
        raise WriteError("The disk is full.")

    monkeypatch.setattr(store.Store, "_write", refuse)
    client: httpx.Client = start()
    session = opened(client)
    tab = Listening(client, session)
    answer = client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    assert (answer.status_code, answer.json()["saved"]) == (200, None)
    assert "The disk is full." in wait_for(lambda: tab.of("error"))[0]["message"]
    assert WAIT_S < 0.3  # a further click has to be answered within
