"""Every contender can be built and says what it trains."""

from __future__ import annotations

import pytest
import torch

from anybone.core.errors import UsageError
from anybone.evaluation.contenders import CONTENDERS, contender
from anybone.evaluation.networks import NETWORKS
from anybone.inference.classical.methods import BASELINES
from anybone.training.stages import STAGES, prepare_stage
from small_benchmark import TRAINING

OURS = [name for name, one in CONTENDERS.items() if one.kind == "ours"]


@pytest.mark.parametrize("name", CONTENDERS)
def test_its_words_mean_something(name):
    one = CONTENDERS[name]
    assert one.about
    assert all(lesson.stage in STAGES for lesson in one.lessons)
    if one.lessons:
        assert sum(lesson.share for lesson in one.lessons) == pytest.approx(1)
    if one.kind in ("slices", "volumes"):
        assert one.named in NETWORKS
    if one.kind == "method":
        assert one.named in BASELINES


@pytest.mark.parametrize("name", OURS)
def test_each_lesson_of_ours_has_something_to_train(name):
    for lesson in CONTENDERS[name].lessons:
        config = CONTENDERS[name].config(TRAINING, lesson, 3)
        assert (config.seed, config.stage) == (3, lesson.stage)
        assert (config.model.depth_attention is not None) == (STAGES[lesson.stage].sees != "slices")
        if not STAGES[lesson.stage].lora:
            with torch.device("meta"):
                assert prepare_stage(CONTENDERS[name].build(config), STAGES[lesson.stage])


def test_only_what_a_contender_says_differs():
    plain = CONTENDERS["ours"].config(TRAINING, CONTENDERS["ours"].lessons[0], 0)
    assert plain == TRAINING
    assert CONTENDERS["synthetic alone"].config(TRAINING, CONTENDERS["ours"].lessons[0], 0).sources == {"synthetic": 1}
    larger = CONTENDERS["larger frame"]
    assert larger.config(TRAINING, larger.lessons[0], 0).model.image_size == 96


def test_fusions_are_told_apart():
    kinds = [CONTENDERS[name].config(TRAINING, CONTENDERS[name].lessons[2], 0).model.fusion for name in OURS[9:12]]
    assert kinds == ["gate", "product", "concatenation"]


def test_what_there_is_not():
    with pytest.raises(UsageError, match="ours from nothing"):
        contender("theirs")


def test_a_learning_rate_of_ones_own():
    slower = contender("dynunet 2d @ 0.0003")
    assert slower.config(TRAINING, slower.lessons[0], 0).learning_rate == 0.0003
    assert slower.named == "dynunet"
    assert contender("real alone @ 1e-4").training == {"sources": {"real": 1.0}, "learning_rate": 1e-4}


@pytest.mark.parametrize("name", ["ours @ fast", "ours @ -1", "ours @ nan", "cortex @ 0.001", "theirs @ 0.001"])
def test_what_can_be_no_learning_rate(name):
    with pytest.raises(UsageError):
        contender(name)
