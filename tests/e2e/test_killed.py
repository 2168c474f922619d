from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from e2e.conftest import Tab
from server.conftest import ON_BONE, ON_OTHER, TOKEN

_SERVE = """
import sys
from pathlib import Path
from anybone.inference.segmenter import Segmenter
from anybone.server.running import Server, listen
from anybone.server.settings import Settings
from anybone.server.state import Method
from bright_network import Bright
folder, port, token = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
method = Method("bright", "none", lambda: Segmenter(Bright(), name="bright"))
Server(Settings(state=folder.parent / "killed", token=token, folder=folder), method, listen("127.0.0.1", port)).go()
"""


@pytest.fixture
def start(served: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Yield a function that starts a server in its own process, always at the same port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running: list[subprocess.Popen[bytes]] = []

    def started() -> subprocess.Popen[bytes]:
        paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-c", _SERVE, str(served), str(port), TOKEN]
        running.append(subprocess.Popen(command, env=environment))
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        return running[-1]

    started.port = port  # type: ignore[attr-defined]
    yield started
    for process in running:
        process.kill()
        process.wait()


def test_a_killed_server_is_noticed_and_its_session_goes_on(
    tab: Callable[[], Tab], start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    server = start()
    one = tab().open(f"http://127.0.0.1:{start.port}/#token={TOKEN}", "bars.nii.gz")  # type: ignore[attr-defined]
    one.page.evaluate("() => window.studio.goTo(2)")
    one.click(ON_BONE)
    one.until("s.mask_slices.length === 1")
    server.send_signal(signal.SIGKILL)
    server.wait()
    one.page.get_by_text("Disconnected, reconnecting").wait_for()
    one.click(ON_OTHER)
    one.page.locator(".notice", has_text="cannot be reached").wait_for()

    start()
    one.page.locator(".link.ok").wait_for()
    one.page.locator(".notice", has_text="Connected again").wait_for()
    one.until("s.mask_slices.length === 1 && s.prompts.length >= 1")
    one.click(ON_OTHER)
    one.until("s.prompts.length === 2")
    one.page.keyboard.press("Enter")
    one.page.locator("[role=option]").first.click()
    one.until("s.bones.length === 1")
