"""Every method can be built and says what it trains."""

from __future__ import annotations

import pytest
import torch

from anybone.core.errors import UsageError
from anybone.evaluation.methods import METHODS, method
from anybone.evaluation.networks import NETWORKS
from anybone.inference.classical.methods import BASELINES
from anybone.training.stages import STAGES, prepare_stage
from small_benchmark import TRAINING

OURS = [name for name, one in METHODS.items() if one.kind == "ours"]


@pytest.mark.parametrize("name", METHODS)
def test_its_words_mean_something(name):
    one = METHODS[name]
    assert one.about
    assert all(run.stage in STAGES for run in one.runs)
    if one.runs:
        assert sum(run.fraction for run in one.runs) == pytest.approx(1)
    if one.kind in ("slices", "volumes"):
        assert one.named in NETWORKS
    if one.kind == "classical":
        assert one.named in BASELINES


@pytest.mark.parametrize("name", OURS)
def test_each_lesson_of_ours_has_something_to_train(name):
    for run in METHODS[name].runs:
        config = METHODS[name].config(TRAINING, run, 3)
        assert (config.seed, config.stage) == (3, run.stage)
        assert (config.model.depth_attention is not None) == (STAGES[run.stage].sees != "slices")
        if not STAGES[run.stage].lora:
            with torch.device("meta"):
                assert prepare_stage(METHODS[name].build(config), STAGES[run.stage])


def test_only_changed_options_differ():
    plain = METHODS["ours"].config(TRAINING, METHODS["ours"].runs[0], 0)
    assert plain == TRAINING
    assert METHODS["synthetic alone"].config(TRAINING, METHODS["ours"].runs[0], 0).sources == {"synthetic": 1}
    larger = METHODS["larger frame"]
    assert larger.config(TRAINING, larger.runs[0], 0).model.image_size == 96


def test_fusions_are_told_apart():
    kinds = [METHODS[name].config(TRAINING, METHODS[name].runs[2], 0).model.fusion for name in OURS[9:12]]
    assert kinds == ["gate", "product", "concatenation"]


def test_what_there_is_not():
    with pytest.raises(UsageError, match="ours from nothing"):
        method("theirs")


def test_a_learning_rate_of_ones_own():
    slower = method("dynunet 2d @ 0.0003")
    assert slower.config(TRAINING, slower.runs[0], 0).learning_rate == 0.0003
    assert slower.named == "dynunet"
    assert method("real alone @ 1e-4").training == {"sources": {"real": 1.0}, "learning_rate": 1e-4}


@pytest.mark.parametrize("name", ["ours @ fast", "ours @ -1", "ours @ nan", "cortex @ 0.001", "theirs @ 0.001"])
def test_what_can_be_no_learning_rate(name):
    with pytest.raises(UsageError):
        method(name)
