"""Many requests at once, half-open connections, and leftovers of a killed server; all against 127.0.0.1."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import anybone
from anybone.server.connections import GuardedProtocol
from anybone.server.scheduler import _CLICKS_PER_JOB_SLICE, Priority, Scheduler, Ticket
from anybone.server.staging import Staging
from server.conftest import ON_BONE, TOKEN, Gated, Start
from server.test_jobs import opened


def test_info_is_answered_while_many_requests_wait_for_the_network(start: Start, network: Gated) -> None:
    client = start(queue=8)
    network.gate.clear()
    params = {"params": (None, '{"foreground": [[16, 16, 2]]}')}
    with ThreadPoolExecutor(45) as users:
        ask = [users.submit(client.post, "/infer/bone_slice?image=bars", files=params) for _ in range(45)]
        assert network.at_gate.wait(10)
        begin = time.monotonic()
        assert client.get("/api/info").status_code == 200
        assert time.monotonic() - begin < 2
        network.gate.set()
        answers = [one.result() for one in ask]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert refused
    assert all(answer.headers["retry-after"] for answer in refused)


def test_the_client_sends_a_refused_request_again(start: Start, network: Gated) -> None:
    client = start(queue=1)
    sessions = [opened(client) for _ in range(3)]
    network.gate.clear()
    with ThreadPoolExecutor(3) as users, anybone.connect(str(client.base_url), TOKEN) as far:
        busy = [users.submit(client.post, f"{name}/add_point", json={"ijk": ON_BONE}) for name in sessions[:2]]
        assert network.at_gate.wait(10)
        time.sleep(0.3)
        late = users.submit(far.session(sessions[2].rpartition("/")[2]).add, anybone.Point(tuple(ON_BONE)))
        time.sleep(0.3)
        network.gate.set()
        assert late.result().slices == [2]
        assert [one.result().status_code for one in busy] == [200, 200]


def test_users_take_turns_and_a_job_is_not_starved() -> None:
    scheduler = Scheduler(None, lambda one: None, 64)  # type: ignore[arg-type]
    order: list[str] = []
    first = scheduler._enqueue(Ticket(None, "x", True, Priority.CLICK))
    waiting = [Ticket(None, user, True, Priority.CLICK) for user in ("a", "a", "a", "b", "c", "a", "b")]
    waiting.append(Ticket(None, "job", True, Priority.JOB))
    for ticket in waiting:
        scheduler._enqueue(ticket)
    scheduler._release(first)
    while waiting:
        (granted,) = [ticket for ticket in waiting if ticket.granted.done()]
        order.append(granted.user)
        waiting.remove(granted)
        scheduler._release(granted)
    scheduler.stop()
    assert order[:3] == ["a", "b", "c"]
    assert order.index("job") <= _CLICKS_PER_JOB_SLICE


def test_half_open_connections_are_closed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "header_timeout_s", 0.5)
    client = start()
    with socket.create_connection(("127.0.0.1", client.base_url.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127")
        connection.settimeout(5)
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert client.get("/healthz").status_code == 200


def test_idle_connections_make_room_for_new_ones(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "max_connections", 8)
    client = start()
    port = client.base_url.port
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    try:
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_files_of_a_killed_server_are_removed_and_those_of_a_running_one_stay(tmp_path: Path) -> None:
    code = "import sys, os; from pathlib import Path; from anybone.server.staging import Staging\n"
    code += "s = Staging(Path(sys.argv[1])); c = s.folder(); f = c.__enter__(); (f / 'x').write_text('x'); os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, env=os.environ)
    assert list(tmp_path.rglob("x"))
    running = Staging(tmp_path)
    assert not list(tmp_path.rglob("x"))
    with running.folder() as folder:
        (folder / "y").write_text("y")
        Staging(tmp_path).stop()
        assert (folder / "y").is_file()
    running.stop()


@pytest.mark.parametrize("command", ["studio", "serve"])
def test_openmp_threads_sleep_while_they_wait(command: str) -> None:
    code = (
        "import os, sys\nfrom anybone.cli.main import app\n"
        "import anybone.cli.threads as threads\nloaded = 'torch' in sys.modules\n"
        "import anybone.cli.NAME as module\nreal = threads.let_threads_sleep\n"
        "def checked():\n    real()\n    heavy = loaded or 'torch' in sys.modules\n"
        "    print(os.environ['OMP_WAIT_POLICY'], heavy, flush=True)\n"
        "    os._exit(0)\nmodule.let_threads_sleep = checked\napp(['NAME'])\n"
    ).replace("NAME", command)
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert result.stdout.split() == ["PASSIVE", "False"], result.stderr
