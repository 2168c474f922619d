"""Standard networks to compare with: MONAI's, at widths that bring them near the default network's 10 million numbers.

Adding one: a function that builds it, and a line in `NETWORKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from torch import nn

from anybone.core.errors import MissingExtraError, UsageError

_LEAST_CELLS, _MOST_CHANNELS = 4, 320  # nnU-Net's, along each side of its coarsest features


@dataclass(frozen=True)
class Plan:
    """Architecture of a network.

    Attributes:
        build: Builder of a module "b 1 ..." -> "b 1 ...", gray values to logits of bone, from the number of axes
            (2 or 3) and the side of its input in pixels.
        source: Publication.
        multiple: Number that the side must be a multiple of.
    """

    build: Callable[[int, int], Any]
    source: str
    multiple: int


def build(name: str, axes: int, side: int) -> nn.Module:
    """Build the network of that name with new weights.

    Args:
        name: A key of `NETWORKS`.
        axes: 2 for slices, 3 for volumes.
        side: Side of the square or cubic input in pixels.

    Raises:
        UsageError: There is no such network, or its input cannot have that side.
        MissingExtraError: MONAI is not installed.
    """
    if name not in NETWORKS or axes not in (2, 3):
        raise UsageError(
            f"There is no network {name!r} of {axes} axes. Choose from {', '.join(NETWORKS)}; 2 or 3 axes."
        )
    plan = NETWORKS[name]
    if side % plan.multiple:
        raise UsageError(f"The input of {name} has a side that is a multiple of {plan.multiple}; found {side}.")
    try:
        network: nn.Module = plan.build(axes, side)
        return network
    except ImportError as error:
        raise MissingExtraError("Comparing with standard networks", "benchmark") from error


def _unet(axes: int, side: int) -> Any:
    """With a last layer of its own: that of MONAI's `UNet` norms its one channel, which keeps it from learning."""
    from monai.networks.nets import BasicUNet

    channels = (40, 80, 160, 320, 480, 40) if axes == 2 else (40, 40, 80, 160, 320, 40)
    with redirect_stdout(StringIO()):  # it prints its channels
        return BasicUNet(axes, 1, 1, channels)


def _attention_unet(axes: int, side: int) -> Any:
    from monai.networks.nets import AttentionUnet

    channels = (36, 72, 144, 288, 576) if axes == 2 else (24, 48, 96, 192, 320)
    return AttentionUnet(axes, 1, 1, channels=channels, strides=(2, 2, 2, 2))


def _dynunet(axes: int, side: int) -> Any:
    """Build nnU-Net's plan: halve until the next half would be below 4 cells, with at most 320 channels."""
    from monai.networks.nets import DynUNet

    halvings = 0
    while side % 2 ** (halvings + 1) == 0 and side >> (halvings + 1) >= _LEAST_CELLS:
        halvings += 1
    first = 24 if axes == 3 else 32 if halvings < 6 else 16  # near 10 million numbers at any size that is used
    filters = [min(_MOST_CHANNELS, first << level) for level in range(halvings + 1)]
    strides = [1] + [2] * (len(filters) - 1)
    return DynUNet(axes, 1, 1, [3] * len(filters), strides, upsample_kernel_size=strides[1:], filters=filters)


def _segresnet(axes: int, side: int) -> Any:
    from monai.networks.nets import SegResNet

    return SegResNet(axes, init_filters=40 if axes == 2 else 24, in_channels=1, out_channels=1)


def _vnet(axes: int, side: int) -> Any:
    """At its published width, whatever the axes: it has no other."""
    from monai.networks.nets import VNet

    return VNet(axes, 1, 1, dropout_dim=axes, dropout_prob_down=0.0, dropout_prob_up=(0.0, 0.0))


def _unetr(axes: int, side: int) -> Any:
    from monai.networks.nets import UNETR

    return UNETR(1, 1, side, feature_size=16, hidden_size=252, mlp_dim=1008, num_heads=12, spatial_dims=axes)


def _swin_unetr(axes: int, side: int) -> Any:
    from monai.networks.nets import SwinUNETR

    return SwinUNETR(1, 1, feature_size=36 if axes == 2 else 24, spatial_dims=axes)


NETWORKS: Mapping[str, Plan] = {
    "unet": Plan(_unet, "Falk et al., Nature Methods 2019, doi:10.1038/s41592-018-0261-2", 16),
    "attention-unet": Plan(_attention_unet, "Oktay et al., arXiv 1804.03999", 16),
    "dynunet": Plan(_dynunet, "Isensee et al., Nature Methods 2021, doi:10.1038/s41592-020-01008-z", 32),
    "segresnet": Plan(_segresnet, "Myronenko, arXiv 1810.11654", 8),
    "vnet": Plan(_vnet, "Milletari et al., arXiv 1606.04797", 16),
    "unetr": Plan(_unetr, "Hatamizadeh et al., arXiv 2103.10504", 16),
    "swin-unetr": Plan(_swin_unetr, "Hatamizadeh et al., arXiv 2201.01266", 32),
}
