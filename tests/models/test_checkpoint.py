from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from anybone.core.errors import CheckpointError
from anybone.models import checkpoint, registry
from anybone.models.bone_sam import BoneSam
from anybone.models.checkpoint import Checkpoint
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.models.conversion import read_state_dict

CONFIG = ModelConfig(
    image_size=64,
    tiny_vit=TinyVitConfig(dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), classes=0),
    embed_dim=32,
    decoder_heads=4,
    decoder_mlp_dim=32,
    depth_attention=None,
)


@pytest.fixture
def saved(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ANYBONE_HOME", str(tmp_path))
    torch.manual_seed(0)
    made = Checkpoint(
        CONFIG, BoneSam(CONFIG).state_dict(), "Apache-2.0", "made in a test", "tiny", {"knows": "nothing"}
    )
    path = registry.path_for("tiny")
    checkpoint.save(made, path)
    return path


def test_what_goes_in_comes_out(saved):
    loaded = checkpoint.load(saved)
    assert (loaded.config, loaded.license, loaded.name) == (CONFIG, "Apache-2.0", "tiny")
    assert loaded.card == {"knows": "nothing"}
    model = loaded.build()
    assert all(torch.equal(v, loaded.weights[k]) for k, v in model.state_dict().items())
    assert torch.isfinite(model.eval().encode(torch.randn(1, 3, 64, 64))).all()


def test_half_precision_is_loaded_as_single(saved, tmp_path):
    small = tmp_path / "half.safetensors"
    checkpoint.save(checkpoint.load(saved), small, torch.float16)
    assert small.stat().st_size < 0.6 * saved.stat().st_size
    assert all(p.dtype == torch.float32 for p in checkpoint.load(small).build().parameters())


def test_catalog_finds_names_and_paths(saved):
    assert registry.locate("tiny") == saved == registry.locate(saved)
    assert "tiny" in [h.name for h in registry.headers()]
    with pytest.raises(CheckpointError, match=r"no weights 'huge'.*tiny"):
        registry.locate("huge")
    with pytest.raises(CheckpointError, match="plain name"):
        registry.path_for("../evil")


def test_one_flipped_bit_is_found(saved):
    assert checkpoint.verify(saved).name == "tiny"
    raw = bytearray(saved.read_bytes())
    raw[-5] ^= 1
    saved.write_bytes(raw)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.verify(saved)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        b"\xff" * 64,
        b"\x10" + b"\x00" * 7 + b"not json at all!",
        b"PK\x03\x04" * 9,
        b"\x02" + b"\x00" * 7 + b"[]",
    ],
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        checkpoint.read_header(path)


def test_a_truncated_file_is_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(CheckpointError):
        checkpoint.load(saved)


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("evil_was_here"),))


def test_a_pickle_runs_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    torch.save({"weights": Evil()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(CheckpointError, match="can carry code"):
            read_state_dict(tmp_path / name)
    assert not (tmp_path / "evil_was_here").exists()


def test_unknown_configuration_keys_name_the_next_move():
    with pytest.raises(CheckpointError, match="Update anybone"):
        ModelConfig.from_dict({"flux": 1})
