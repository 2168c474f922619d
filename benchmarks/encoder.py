"""Time the released-size encoder on one 1024-pixel slice, one optimization at a time.

    python benchmarks/encoder.py [--threads 2] [--repeats 7]

Rows build on one another. OpenVINO is measured where it is installed (`pip install openvino`); anybone does not use it.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Callable
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.models.bone_sam import BoneSam
from anybone.models.config import ModelConfig
from anybone.models.encoders import tiny_vit
from anybone.models.sam.layers import fold_batch_norms


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median time of some runs after a warm-up."""
    run()
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return statistics.median(seconds)


def with_library_attention(attention: tiny_vit.WindowAttention, x: Tensor) -> Tensor:
    """`WindowAttention.forward` with scaled_dot_product_attention in place of its three lines."""
    b, h, w, c = x.shape
    side, heads = attention.window, attention.heads
    x = F.pad(x, (0, 0, 0, -w % side, 0, -h % side))
    rows, columns = x.shape[1] // side, x.shape[2] // side
    qkv = attention.qkv(attention.norm(x)).view(b, rows, side, columns, side, heads, 3, c // heads)
    q, k, v = qkv.permute(6, 0, 1, 3, 5, 2, 4, 7).reshape(3, b * rows * columns, heads, side * side, c // heads)
    bias = attention.attention_biases[:, attention.offsets][None]
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    out = out.view(b, rows, columns, heads, side, side, c // heads).permute(0, 1, 4, 2, 5, 3, 6)
    return attention.proj(out.reshape(b, rows * side, columns * side, c)[:, :h, :w])  # type: ignore[no-any-return]


def steps(image: Tensor, repeats: int) -> dict[str, float]:
    """Seconds a slice after each measure. Whole feature maps are kept where gradients are enabled."""
    model = BoneSam(ModelConfig(depth_attention=None)).eval().requires_grad_(False)
    seconds = {}
    ours = tiny_vit.WindowAttention.forward
    tiny_vit.WindowAttention.forward = with_library_attention  # type: ignore[method-assign]
    seconds["plain"] = median_seconds(lambda: model.encode(image), repeats)
    model.channels_last()
    seconds["+ channels-last"] = median_seconds(lambda: model.encode(image), repeats)
    fold_batch_norms(model)
    seconds["+ norms folded"] = median_seconds(lambda: model.encode(image), repeats)
    with torch.inference_mode():
        seconds["+ strips of rows, GELU in place"] = median_seconds(lambda: model.encode(image), repeats)
        tiny_vit.WindowAttention.forward = ours  # type: ignore[method-assign]
        seconds["+ window attention written out"] = median_seconds(lambda: model.encode(image), repeats)
        with torch.autocast("cpu", torch.bfloat16):
            seconds["+ bfloat16 (--bfloat16)"] = median_seconds(lambda: model.encode(image), repeats)
    return seconds


def openvino(image: Tensor, threads: int, repeats: int) -> dict[str, float]:
    """Seconds a slice with OpenVINO, in both precisions; nothing where it is not installed."""
    try:
        import openvino as ov
    except ImportError:
        return {}
    encoder: nn.Module = copy.deepcopy(BoneSam(ModelConfig(depth_attention=None)).eval().requires_grad_(False).encoder)
    with torch.enable_grad():
        exported = torch.export.export(encoder, (image,))
    converted = ov.convert_model(exported)
    seconds = {}
    for precision in ("f32", "bf16"):
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        compiled = ov.Core().compile_model(converted, "CPU", settings)
        array = image.numpy()
        seconds[f"OpenVINO {precision}"] = median_seconds(lambda c=compiled, a=array: c(a), repeats)  # type: ignore[misc]
    return seconds


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=7)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    image = torch.randn(1, 3, 1024, 1024)
    seconds = steps(image, a.repeats) | openvino(image, a.threads, a.repeats)
    for name, value in seconds.items():
        print(f"{name:34s} {value:6.3f} s   {seconds['plain'] / value:4.1f} x")


if __name__ == "__main__":
    main()
