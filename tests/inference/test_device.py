from __future__ import annotations

import pytest
import torch

from anybone.core.errors import UsageError
from anybone.inference.device import choose_device, has_bfloat16


def test_cpu_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    assert isinstance(has_bfloat16(torch.device("cpu")), bool)


def test_an_unknown_device_is_named():
    with pytest.raises(UsageError, match="found 'tpu'"):
        choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there():
    with pytest.raises(UsageError, match="Use --device auto"):
        choose_device("cuda")
