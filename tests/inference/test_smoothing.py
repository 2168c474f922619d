import numpy as np
import pytest

from anybone.core.geometry import Geometry
from anybone.core.progress import Clock
from anybone.core.volume import Volume
from anybone.inference.classical.methods import ClassicalBaseline
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import prepare

NETWORK = ClassicalBaseline(image_size=192)


def volume(noise):
    rng = np.random.default_rng(1)
    data = np.zeros((192, 192, 3), np.float32)
    data[20:170, 20:170] = 50
    data[60:90, 60:90] = 100
    data += rng.normal(0, noise, data.shape).astype(np.float32)
    return Volume(data, Geometry(data.shape, np.diag([1.0, 1.0, 4.0, 1.0])))


@pytest.mark.parametrize(("noise", "smoothed"), [(0.2, 0.0), (12.0, 0.5)])
def test_volumes_are_smoothed_where_they_are_noisy(noise, smoothed):
    prepared = prepare(NETWORK, volume(noise), SegmentOptions(), Clock())
    assert prepared.options.smoothing_mm == smoothed


def test_noise_decides_only_where_it_is_asked_for():
    asked = SegmentOptions(smoothing_noise=0.0)
    assert prepare(NETWORK, volume(0.2), asked, Clock()).options.smoothing_mm == 0.5
    asked = SegmentOptions(smoothing_mm=0.0)
    assert prepare(NETWORK, volume(4.0), asked, Clock()).options.smoothing_mm == 0.0
