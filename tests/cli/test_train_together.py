"""Two processes, as torchrun starts them, go on with what one began, and train what one does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import Result

import anybone
from anybone.models import checkpoint
from anybone.training import loop
from limb_phantom import limb_phantom

RECIPE = """
steps = 5
save_steps = 2
batch = 4
micro_batches = 2
threads = 1
bfloat16 = false
[data]
cases = "cases"
hold_out = ["cases/2"]
[model]
image_size = 64
embed_dim = 32
decoder_heads = 4
decoder_mlp_dim = 32
[model.tiny_vit]
dims = [8, 8, 16, 16]
depths = [1, 1, 1, 1]
heads = [1, 1, 2, 2]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    for number in range(3):
        volume, truth = limb_phantom(number, (64, 64, 3), region="thigh")
        anybone.write(volume, tmp_path / f"cases/images/{number}.nii.gz")
        anybone.write(truth, tmp_path / f"cases/masks/{number}.nii.gz")
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_two_processes_do_what_one_does(
    run: Callable[..., Result], recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("train", recipe, "-o", "one").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(loop, "one_step", killed_in(3))
        assert run("train", recipe, "-o", "two").exit_code == 130
    assert not Path("two/trained.safetensors").exists()
    told = together("train", "recipe.toml", "-o", "two")
    assert "trained.safetensors" in told[0]
    assert "trained.safetensors" not in told[1]
    apart, shared = (checkpoint.load(Path(folder, "trained.safetensors")).weights for folder in ("one", "two"))
    for name, weight in apart.items():
        torch.testing.assert_close(shared[name], weight, atol=1e-5, rtol=1e-4, msg=name)
    scores = [Path(folder, "validation.jsonl").read_text().count("\n") for folder in ("one", "two")]
    assert scores == [1, 1]


def killed_in(step: int) -> Callable[..., dict[str, torch.Tensor]]:
    whole, count = loop.one_step, iter(range(100))

    def one_step(*given: Any) -> dict[str, torch.Tensor]:
        if next(count) == step:
            raise KeyboardInterrupt
        return whole(*given)

    return one_step


def together(*words: str) -> list[str]:
    """What two processes say that run a command together."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    pair = [
        subprocess.Popen(
            [sys.executable, "-m", "anybone", *words],
            env={**shared, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        told = [process.communicate(timeout=100)[0] for process in pair]
    finally:
        for process in pair:
            process.kill()
    assert [process.returncode for process in pair] == [0, 0], told
    return told
