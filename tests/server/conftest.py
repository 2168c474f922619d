"""A server of a network whose answers a reader can foresee, on a folder of small images, and a client of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

import anybone
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.inference.segmenter import Segmenter
from anybone.server.running import Server, listen
from anybone.server.settings import Limits, Settings
from anybone.server.state import Method
from bright_network import Bright

TOKEN = "a-token-for-tests-only"
ON_BONE, ON_OTHER = [16, 16, 2], [48, 40, 2]  # inside the two bars


class Gated(Bright):
    """Bright, but each answer waits until the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.at_gate = threading.Event()

    def decode(self, *args, **kwargs):
        self.at_gate.set()
        assert self.gate.wait(20)
        return super().decode(*args, **kwargs)


def bars() -> Volume:
    """Two bright bars along the last axis in a 64 x 64 x 6 volume of 1 x 1 x 3 mm; the last slice is dark."""
    data = np.full((64, 64, 6), 40, dtype=np.float32)
    data[8:24, 8:24, :5] = 200
    data[40:56, 32:48, :5] = 200
    data[:, :, 5] = 0
    return Volume(data, Geometry((64, 64, 6), np.diag([1.0, 1.0, 3.0, 1.0])))


def served_folder(folder: Path) -> Path:
    """A folder to serve; beside it lies a file that nobody may reach."""
    served = folder / "served"
    anybone.write(bars(), served / "bars.nii.gz")
    anybone.write(bars(), served / "deeper" / "more.nii.gz")
    (served / "notes.txt").write_text("no image")
    (served / ".hidden.nii.gz").write_bytes((served / "bars.nii.gz").read_bytes())
    (folder / "secret.nii.gz").write_bytes((served / "bars.nii.gz").read_bytes())
    (served / "way_out").symlink_to(folder)
    return served


@contextmanager
def serving(settings: Settings, network: Gated, method: Method | None = None) -> Iterator[httpx.Client]:
    """A client of a server at a free port, of a network or of another method."""
    listening = listen("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    bright = Method("bright", "none", lambda: Segmenter(network, name="bright"))
    server = Server(settings, method or bright, listening)
    thread = threading.Thread(target=server.go)
    thread.start()
    try:
        with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20) as client:
            yield client
    finally:
        network.gate.set()
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def network() -> Gated:
    return Gated()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", token=TOKEN, folder=served_folder(tmp_path))


Start = Callable[..., httpx.Client]


@pytest.fixture
def start(settings: Settings, network: Gated) -> Iterator[Start]:
    """Starts a server of this test's own, with other limits where given, and gives a client with its token."""
    with ExitStack() as running:
        yield lambda **limits: running.enter_context(serving(replace(settings, limits=Limits(**limits)), network))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the module's server serves."""
    return served_folder(tmp_path_factory.mktemp("module"))


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    """A client of a server that the tests of a module share."""
    with serving(Settings(state=folder.parent / "state", token=TOKEN, folder=folder), Gated()) as client:
        yield client


@pytest.fixture
def session(client: httpx.Client) -> str:
    """The address of a session on the bars."""
    answer = client.post("/api/sessions", json={"path": "bars.nii.gz"})
    assert answer.status_code == 201, answer.text
    return f"/api/sessions/{answer.json()['id']}"


def plane_of(runs: list[int], shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    """The labels of a slice from its runs, by hand."""
    flat = np.concatenate([np.full(count, label) for label, count in zip(runs[::2], runs[1::2], strict=True)])
    return flat.reshape(shape, order="F")
