from __future__ import annotations

import pytest

from anybone.errors import UsageError
from anybone.model.config import ModelConfig
from anybone.training.config import TrainingConfig


def test_a_3d_branch_that_would_stay_untrained_is_refused():
    with pytest.raises(UsageError, match="Set depth_attention to None"):
        TrainingConfig(model=ModelConfig(depth_attention="light"))
