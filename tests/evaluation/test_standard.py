"""Standard networks fit the loop and the engine by the four verbs."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.evaluation.methods import method
from anybone.evaluation.standard import StandardSlices, StandardVolumes
from anybone.inference.segmenter import Segmenter
from anybone.models.image_normalization import to_network
from anybone.models.network import Network
from anybone.training.cache import Cache
from anybone.training.loop import train
from small_benchmark import TRAINING


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI's own
        yield


class Squares:
    """Bright squares, which are bone, on dark."""

    def draw(self, count, rng):
        bones = torch.zeros(count, 64, 64, dtype=torch.long)
        for number in range(count):
            row, column = (int(x) for x in torch.randint(0, 40, (2,), generator=rng))
            bones[number, row : row + 20, column : column + 20] = 1
        return bones.float(), bones


class Cubes:
    """The same on the grid of the 3-D branch."""

    def draw(self, count, rng):
        bones = torch.zeros(count, 64, 64, 64, dtype=torch.long)
        bones[:, 10:40, 20:50, 20:40] = 1
        return 0.2 + 0.7 * bones.float(), bones


def test_the_loop_teaches_a_standard_network_and_the_engine_runs_it(tmp_path):
    one = method("unet 2d")
    config = replace(one.config(TRAINING, one.runs[0], 0), steps=12, batch=4, learning_rate=3e-3, ema=0.5)
    assert config.prompts == {}
    network = train(config, {"real": Squares()}, Cache.empty(), tmp_path, build=one.build).eval()
    assert isinstance(network, Network)
    data = np.zeros((64, 48, 3), np.float32)
    data[20:40, 10:30] = 1
    found = Segmenter(network, name="unet").segment(Volume(data, Geometry(data.shape, np.diag([1, 1, 4.0, 1]))))
    truth = data > 0.5
    assert 2 * (found.mask & truth).sum() / (found.mask.sum() + truth.sum()) > 0.8


def test_frames_that_are_no_squares_are_filled_up_with_black():
    network = StandardSlices("unet", 64).eval()
    images = torch.rand(2, 64, 32)
    square = torch.nn.functional.pad(images, (0, 32))
    with torch.inference_mode():
        narrow, whole = network.encode(to_network(images)), network.encode(to_network(square))
    assert narrow.shape == (2, 1, 64, 32)
    assert torch.allclose(narrow, whole[..., :32], atol=1e-5)
    logits, quality = network.decode(narrow, points_xy=torch.ones(2, 1, 2))
    assert torch.equal(logits[:, 0], logits[:, 1])
    assert ((quality >= 0) & (quality <= 1)).all()


def test_a_standard_network_on_volumes_takes_the_place_of_the_branch(tmp_path):
    one = method("dynunet 3d")
    config = replace(one.config(TRAINING, one.runs[0], 0), steps=1, batch=1)
    network = train(config, {"real": Cubes()}, Cache.empty(), tmp_path, build=one.build)
    assert isinstance(network, StandardVolumes)
    with torch.inference_mode():
        assert network.attend(torch.rand(1, 1, 64, 64, 64)).shape == (1, 1, 64, 64, 64)
        logits, _ = network.decode(network.encode(torch.rand(1, 3, 32, 32)))
    assert not (logits > 0).any()
