"""Every standard network is built and answers in the shape that it was asked in."""

from __future__ import annotations

import warnings

import pytest
import torch

from anybone.core.errors import UsageError
from anybone.evaluation.networks import NETWORKS, build


@pytest.mark.parametrize("name", NETWORKS)
def test_slices(name):
    side = 128 if name == "dynunet" else 64  # smaller, it has fewer levels
    network = built(name, 2, side)
    numbers = sum(p.numel() for p in network.parameters())
    assert 7e6 < numbers < 15e6
    with torch.inference_mode():
        assert network(torch.rand(1, 1, side, side)).shape == (1, 1, side, side)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("vnet", "swin-unetr")])
def test_volumes(name):
    with torch.inference_mode():
        assert built(name, 3, 32)(torch.rand(1, 1, 32, 32, 32)).shape == (1, 1, 32, 32, 32)


def built(name: str, axes: int, side: int) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return build(name, axes, side).eval()


@pytest.mark.parametrize(("name", "axes", "side"), [("resnet", 2, 64), ("unet", 4, 64), ("unet", 2, 65)])
def test_what_there_is_not(name, axes, side):
    with pytest.raises(UsageError):
        build(name, axes, side)
