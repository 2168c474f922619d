"""The command itself: it starts, says where, survives kill -9, and never writes its token down."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import torch

import anybone
from anybone.models.bone_sam import BoneSam
from anybone.models.checkpoint import Checkpoint, save
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.server.running import method_of
from anybone.server.settings import Settings
from server.conftest import ON_BONE, TOKEN, Gated, bars, serving
from server.test_jobs import wait_for

CONFIG = ModelConfig(
    image_size=64,
    tiny_vit=TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0),
    embed_dim=32,
    decoder_depth=1,
    decoder_heads=4,
    decoder_mlp_dim=32,
    prompt_mask_channels=4,
    depth_attention=None,
)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    checkpoint = Checkpoint(CONFIG, BoneSam(CONFIG).state_dict(), "none", "random numbers", "tiny")
    return save(checkpoint, tmp_path / "tiny.safetensors").path


@contextmanager
def command(log: Path, *words: object, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`anybone WORDS`, its output in a file, as a process of its own."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", "from anybone.cli.main import main; main()", *map(str, words)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(20)


def client_of(log: Path) -> httpx.Client:
    """A client of the server that tells its address in a log."""
    found = wait_for(lambda: re.search(r"(http://[^/\s]+)/#token=(\S+)", log.read_text()), 60)
    return httpx.Client(base_url=found[1], headers={"Authorization": f"Bearer {found[2]}"}, timeout=30)


def test_a_killed_studio_goes_on_where_it_was(tmp_path: Path, weights: Path) -> None:
    anybone.write(bars(), tmp_path / "served" / "bars.nii.gz")
    words = ("studio", tmp_path / "served" / "bars.nii.gz", "--no-browser", "--weights", weights)
    words = (*words, "--state", tmp_path / "state")
    log = tmp_path / "first.log"
    with command(log, *words) as process, client_of(log) as client:
        assert client.get("/api/info").json()["open"] == "bars.nii.gz"
        session = f"/api/sessions/{client.post('/api/sessions', json={'path': 'bars.nii.gz'}).json()['id']}"
        client.post(f"{session}/paint", json={"ijk_list": [ON_BONE], "radius_mm": 4})
        client.post(f"{session}/commit", json={"bone": "femur_left"})
        client.post(f"{session}/add_point", json={"ijk": [16, 16, 3]})
        client.post(f"{session}/paint", json={"ijk_list": [[40, 40, 4]], "radius_mm": 4})
        before, layers = client.get(session).json(), client.get(f"{session}/layers").json()
        client.post(f"{session}/automatic", json={})  # and in the middle of this
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    with serving(
        Settings(tmp_path / "state", TOKEN, tmp_path / "served"), Gated(), method_of(str(weights), "cpu")
    ) as client:
        (row,) = client.get("/api/sessions").json()
        assert (row["bones"], session.endswith(row["id"])) == (["left femur"], True)
        again = client.post("/api/sessions", json={"path": "bars.nii.gz", "resume": True}).json()
        assert session.endswith(again["id"])
        if again["revision"] == before["revision"]:  # unless the job was quicker than the signal
            assert client.get(f"{session}/layers").json() == layers
            assert again["history"] == before["history"]
        undone = client.post(f"{session}/undo", json={}).json()
        assert (undone["can_redo"], undone["bones"][0]["key"]) == (True, "femur_left")


def test_a_shared_server_asks_for_its_token_and_never_writes_it(tmp_path: Path, weights: Path) -> None:
    token, log = "sesame-sesame-sesame", tmp_path / "serve.log"
    words = ("serve", "--port", 0, "--weights", weights, "--state", tmp_path / "state", "-vv")
    with command(log, *words, ANYBONE_TOKEN=token) as process:
        base = wait_for(lambda: re.search(r"anybone serves at (http://\S+)/$", log.read_text(), re.MULTILINE), 60)[1]
        with httpx.Client(base_url=base) as client:
            assert client.get("/healthz").json()["status"] == "ok"
            assert client.get("/api/info").status_code == 401
            assert client.get("/api/info", headers={"Authorization": f"Bearer {token}"}).status_code == 200
            assert client.get("/api/info", headers={"Authorization": f"Bearer {token}x"}).status_code == 401
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130, -signal.SIGINT)
    text = log.read_text()
    assert "Traceback" not in text
    assert "GET /api/info 200" in text
    assert "GET other 401" in text
    assert token not in text
    for path in (tmp_path / "state").rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()
