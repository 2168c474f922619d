"""Choice of the device that runs the network."""

from __future__ import annotations

import torch

from anybone.core.errors import UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")


def has_bfloat16(device: torch.device) -> bool:
    """Return whether the device supports bfloat16 natively, so that 16 bits are faster than 32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name; "auto" selects a GPU if there is one.

    Raises:
        UsageError: The device is unknown or not available.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if available[d]))
    if name.split(":")[0] not in available:
        raise UsageError(f"A device is one of {', '.join(DEVICES)}; found {name!r}.")
    if not available[name.split(":")[0]]:
        raise UsageError(f"PyTorch finds no {name} device on this machine. Use --device auto or --device cpu.")
    return torch.device(name)
