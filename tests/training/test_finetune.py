from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from safetensors import safe_open

from anybone.models import checkpoint
from anybone.models.bone_names import with_bones
from anybone.models.bone_sam import BoneSam
from anybone.training.config import published_model, small_model
from anybone.training.finetune import Trial, crops_for, cross_validate, finetune, stage_for
from anybone.training.naming_loss import tell_apart
from anybone.training.slices import Slice
from anybone.training.validate import validate


def _slices(cache):
    return [
        Slice(patient, image.numpy().astype(np.float32) / 255, bones.numpy())
        for patient, image, bones in zip(cache.patients, cache.images, cache.bones, strict=True)
    ]


def test_the_decoder_learns_from_kept_embeddings(cache, config, tmp_path):
    torch.manual_seed(0)
    began = BoneSam(config.model).eval()
    start = checkpoint.save(
        checkpoint.Checkpoint(config.model, began.state_dict(), "MIT", "random", "tiny"), tmp_path / "tiny.safetensors"
    )
    config = replace(
        config, start=str(start.path), stage=stage_for(config.model), steps=150, batch=4, learning_rate=5e-3, ema=0.9
    )
    seen = []
    crops = crops_for(config, _slices(cache), lambda step, done, total: seen.append((step, done, total)))
    tuned = finetune(config, crops, 150, lambda step, done, total: seen.append((step, done, total)))
    assert validate(tuned, cache)["limb automatic"] > validate(began, cache)["limb automatic"] + 0.2
    assert seen[-1] == ("train", 150, 150)
    assert ("encode", 144, 144) in seen  # twelve crops of twelve slices
    for name, weight in tuned.state_dict().items():
        if name.startswith("encoder."):
            assert torch.equal(weight, began.state_dict()[name])


def test_a_large_decoder_learns_by_thin_updates(cache, config, tmp_path):
    assert stage_for(config.model) == stage_for(small_model()) == "decoder"
    assert stage_for(published_model()) == "decoder lora"
    torch.manual_seed(0)
    began = checkpoint.Checkpoint(config.model, BoneSam(config.model).state_dict(), "MIT", "random", "tiny")
    start = checkpoint.save(began, tmp_path / "tiny.safetensors").path
    config = replace(config, start=str(start), stage="decoder lora", steps=5, learning_rate=1e-2)
    tuned = finetune(config, crops_for(config, _slices(cache.of({"limb/1"}))), 5).state_dict()
    assert list(tuned) == list(began.weights)
    made = checkpoint.save_changes(replace(began, weights=tuned, name="mine"), start, tmp_path / "mine.safetensors")
    with safe_open(made.path, "pt") as file:
        assert any(name.endswith("q_proj.weight.up") for name in file.keys())  # noqa: SIM118
    for name, weight in checkpoint.load(made.path).weights.items():
        torch.testing.assert_close(weight, tuned[name], atol=2e-3, rtol=1e-3)


def test_it_is_tried_out_on_cases_that_are_left_out(cache, config, tmp_path):
    torch.manual_seed(0)
    began = checkpoint.Checkpoint(config.model, BoneSam(config.model).state_dict(), "MIT", "random", "tiny")
    start = checkpoint.save(began, tmp_path / "tiny.safetensors").path
    config = replace(config, start=str(start), stage="decoder", steps=100, batch=4, learning_rate=1e-2, ema=0.9)
    crops = crops_for(config, _slices(cache.of({"limb/1", "limb/2"})))
    trial = cross_validate(config, crops)
    assert trial is not None
    assert trial.cases == 2
    assert list(trial.dice) == [0, 20, 40, 60, 80, 100]
    assert trial.mean(trial.steps) > trial.mean(0) + 0.1
    assert cross_validate(config, crops.of({"limb/1"})) is None


def test_no_step_is_best_where_every_step_harms():
    assert Trial({0: (0.9, 0.9), 20: (0.8, 0.8), 40: (0.8, 0.9)}).steps == 0
    assert Trial({0: (0.9, 0.9), 20: (0.95, 0.95), 40: (0.95, 0.95)}).steps == 20  # the fewer, where it is all the same


def test_what_helps_one_case_and_harms_another_is_not_sure_to_help_a_third():
    assert Trial({0: (0.9, 0.9), 20: (0.96, 0.88)}).steps == 0
    assert Trial({0: (0.9, 0.9), 20: (0.96, 0.88), 40: (0.91, 0.915)}).steps == 40
    assert Trial({0: (0.9,) * 6, 20: (0.95,) * 5 + (0.88,)}).steps == 20  # one of many may lose


def test_a_trial_of_few_cases_decides_only_where_much_is_gained_or_lost():
    assert not Trial({0: (0.9, 0.9), 20: (0.905, 0.904)}).decides
    assert not Trial({0: (0.9, 0.9), 20: (0.93, 0.86)}).decides
    assert Trial({0: (0.8, 0.9), 20: (0.85, 0.92)}).decides
    assert Trial({0: (0.9, 0.9), 20: (0.88, 0.86), 40: (0.7, 0.7)}).decides
    assert Trial({0: (0.9,) * 4, 20: (0.905,) * 4}).decides


def test_each_case_is_drawn_as_often_however_many_slices_it_has(cache, config):
    crops = crops_for(config, _slices(cache))
    few, many = sorted(set(crops.cases))[:2]
    own = [i for i, case in enumerate(crops.cases) if case == few][:2]
    unequal = crops.of({many})
    mixed = type(crops)(
        torch.cat([crops.embeddings[own] * 0, unequal.embeddings * 0 + 1]),
        torch.cat([crops.bones[own], unequal.bones]),
        torch.cat([crops.kinds[own], unequal.kinds]),
        [few] * 2 + unequal.cases,
        [True] * 2 + unequal.plain,
    )
    drawn = mixed.draw(400, torch.Generator().manual_seed(0)).embeddings.float()
    assert 0.4 < float(drawn.mean()) < 0.6


def test_bones_are_learned_by_name(cache, config, tmp_path):
    torch.manual_seed(0)
    began = checkpoint.Checkpoint(config.model, BoneSam(config.model).state_dict(), "MIT", "random", "tiny")
    start = checkpoint.save(began, tmp_path / "tiny.safetensors").path
    config = replace(
        config, model=with_bones(config.model, {1: "left one", 2: "right one"}), start=str(start), stage="decoder",
        steps=120, batch=4, learning_rate=1e-2, ema=0.9, corrections=0,
    )  # fmt: skip
    crops = crops_for(config, _slices(cache.of({"limb/1", "limb/2"})))
    assert set(crops.named().unique().tolist()) == {0, 1, 2, 255}
    tuned = finetune(config, crops, 120).eval()
    one = crops.at([0])
    bone = (one.named() > 0) & (one.named() < 255)
    found = tell_apart(tuned, one.embeddings.float(), bone)
    assert float((found == one.named())[bone].float().mean()) > 0.9
