"""LoRA (Hu et al. 2021): low-rank updates beside linear layers that stay as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.models.encoders.tiny_vit import WindowAttention
from anybone.models.sam.two_way_transformer import Attention

RANK = 8
_ATTENTION = (WindowAttention, Attention)


class LoraLinear(nn.Linear):
    """A linear layer plus the product of two thin matrices, the second of which begins at zero."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__(base.in_features, base.out_features, base.bias is not None, device=base.weight.device)
        self.load_state_dict(base.state_dict())
        self.lora_down = nn.Parameter(torch.empty(rank, base.in_features, device=base.weight.device))
        self.lora_up = nn.Parameter(torch.zeros(base.out_features, rank, device=base.weight.device))
        nn.init.kaiming_uniform_(self.lora_down, a=5**0.5)

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b d"]:
        """Return the layer's output plus its low-rank update."""
        return F.linear(x, self.weight, self.bias) + (x @ self.lora_down.T) @ self.lora_up.T

    def merged(self) -> nn.Linear:
        """One plain layer that gives the same."""
        plain = nn.Linear(self.in_features, self.out_features, self.bias is not None, device=self.weight.device)
        with torch.no_grad():
            plain.weight.copy_(self.weight + self.lora_up @ self.lora_down)
            if self.bias is not None:
                plain.bias.copy_(self.bias)
        return plain


def add_lora(model: nn.Module, rank: int = RANK) -> None:
    """Add an update to every linear layer of every attention in the model."""
    for module in list(model.modules()):
        if isinstance(module, _ATTENTION):
            for name, layer in list(module.named_children()):
                if isinstance(layer, nn.Linear):
                    setattr(module, name, LoraLinear(layer, rank))


def merge_lora(model: nn.Module) -> None:
    """Merge the updates into their layers; the weights then have the names they had before `add_lora`."""
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, LoraLinear):
                setattr(module, name, layer.merged())
