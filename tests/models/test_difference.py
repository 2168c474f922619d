from __future__ import annotations

import pytest
import torch

from anybone.core.errors import CheckpointError
from anybone.models.weight_delta import added, difference


@pytest.fixture
def base() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"same": torch.randn(4), "vector": torch.randn(5), "full": torch.randn(12, 8), "low": torch.randn(40, 30)}


@pytest.fixture
def tuned(base: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    low = base["low"] + 0.1 * torch.randn(40, 2) @ torch.randn(2, 30)
    return {**base, "vector": base["vector"] + 0.5, "full": base["full"] + 0.01 * torch.randn(12, 8), "low": low}


def test_base_and_difference_give_the_tuned_weights(base, tuned):
    changes = difference(tuned, base)
    assert {name: tuple(change.shape) for name, change in changes.items()} == {
        "vector": (5,), "full": (12, 8), "low.up": (40, 2), "low.down": (2, 30),
    }  # fmt: skip
    assert {change.dtype for change in changes.values()} == {torch.float16}
    again = added(base, changes)
    assert again["same"] is base["same"]
    for name, weight in tuned.items():
        torch.testing.assert_close(again[name], weight, atol=2e-3, rtol=0)


def test_nothing_changed(base):
    assert difference(dict(base), base) == {}
    half = {name: weight.half() for name, weight in base.items()}
    assert difference({name: weight.float() for name, weight in half.items()}, half) == {}


def test_a_change_needs_its_place(base):
    with pytest.raises(CheckpointError, match="vector"):
        added(base, {"vector": torch.zeros(6)})
    with pytest.raises(CheckpointError, match="other"):
        added(base, {"other": torch.zeros(6)})
