"""A tiny network whose weights and inputs depend on NumPy's generators alone, so that its outputs can be frozen.

python tests/parity/tiny.py     rewrites frozen.json: only after the golden comparison has passed with this code
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from anybone.inference.attention import attention_input, attention_map
from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig, TinyVitConfig

FROZEN = Path(__file__).with_name("frozen.json")
CONFIG = ModelConfig(
    image_size=128,
    tiny_vit=TinyVitConfig(
        dims=(8, 16, 16, 32), depths=(1, 1, 2, 1), heads=(1, 2, 2, 4), windows=(7, 7, 5, 7), classes=0
    ),
    embed_dim=32,
    decoder_heads=4,
    decoder_mlp_dim=64,
    depth_attention="light",
)


def network() -> BoneSam:
    model = BoneSam(CONFIG).eval()
    weights = {}
    for i, (key, tensor) in enumerate(model.state_dict().items()):
        drawn = np.random.default_rng([7, i]).standard_normal(tensor.shape)
        if key.endswith("running_var"):
            drawn = 1 + 0.2 * np.abs(drawn)
        elif key.endswith("num_batches_tracked"):
            drawn = np.zeros(())
        elif tensor.ndim > 1:
            drawn *= (3.0 if "transformer" in key else 1.0) / np.sqrt(np.prod(tensor.shape[1:]))
            if "token" in key or "kinds" in key:
                drawn *= 3.0
        elif key.endswith("weight"):
            drawn = 1 + 0.1 * drawn
        weights[key] = torch.from_numpy(np.asarray(drawn)).to(tensor.dtype)
    model.load_state_dict(weights)
    return model


@torch.inference_mode()
def outputs() -> dict[str, list[float]]:
    """A few numbers of each verb's answer."""
    model, rng = network(), np.random.default_rng(7)
    image = torch.from_numpy(rng.standard_normal((1, 3, 128, 96)).astype(np.float32))
    unit = torch.from_numpy(rng.random((40, 30, 20)).astype(np.float32))
    probability = model.attend(attention_input(unit))
    maps = attention_map(probability[0, 0], 7, 20)[None]
    embedding = model.encode(image)
    fused = model.fuse(embedding, maps)
    points, labels = torch.tensor([[[20.0, 30.0], [70.0, 90.0]]]), torch.tensor([[1, 0]])
    boxes = torch.tensor([[10.0, 10.0, 60.0, 80.0], [50.0, 20.0, 90.0, 120.0]])
    automatic, quality = model.decode(fused)
    answers = {
        "attend": probability[0, 0, ::16, ::16, ::16],
        "attention": maps[0, ::16, ::16],
        "encode": embedding[0, ::8, ::3, ::3],
        "fuse": fused[0, ::8, ::3, ::3],
        "automatic": automatic[0, :, ::8, ::8],
        "quality": quality[0],
        "points": model.decode(fused, points, labels)[0][0, :, ::8, ::8],
        "boxes": model.decode(fused, boxes_xyxy=boxes)[0][0, :, ::8, ::8],
        "both": model.decode(fused, points, labels, boxes)[0][0, :, ::8, ::8],
        "mask": model.decode(fused, points, labels, mask_logits=automatic[:, 1:2])[0][0, :, ::8, ::8],
    }
    return {name: [round(x, 6) for x in answer.flatten().tolist()] for name, answer in answers.items()}


if __name__ == "__main__":
    FROZEN.write_text(json.dumps(outputs()) + "\n")
