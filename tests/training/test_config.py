from __future__ import annotations

import pytest

from anybone.core.errors import UsageError
from anybone.models.config import ModelConfig
from anybone.training.config import TrainingConfig


def test_a_3d_branch_that_would_stay_untrained_is_refused():
    with pytest.raises(UsageError, match="Set depth_attention to None, or train it in stage 'depth' or 'fusion'"):
        TrainingConfig(model=ModelConfig(depth_attention="light"))


@pytest.mark.parametrize("stage", ["depth", "fusion", "fusion and heads"])
def test_stages_of_the_3d_branch_need_one(stage):
    assert TrainingConfig(model=ModelConfig(depth_attention="light"), stage=stage).stage == stage
    with pytest.raises(UsageError, match="the model has none"):
        TrainingConfig(stage=stage)


def test_prompts_are_those_that_there_are_or_none():
    assert TrainingConfig(prompts={}).prompts == {}
    for wrong in ({"points": 0.0}, {"whispers": 1.0}):
        with pytest.raises(UsageError, match="prompts has weights for"):
            TrainingConfig(prompts=wrong)
