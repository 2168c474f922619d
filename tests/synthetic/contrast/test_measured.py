"""Drawn contrast and grain against what was measured on clinical scans.

Ratios: median of marrow over median of muscle nearby, measured on 19 fat-suppressed series of eight or more scanners:
knees, elbows, shoulders and other limbs by PD or T2 with spectral suppression (`SUPPRESSED`), pelves by STIR whose
marrow is red (`STIR`). Grain: deep in the marrow of eight clinical series of knee and elbow at 384 pixels, relative
to the image's 99th percentile: fine noise is a pixel minus the mean of the 3 x 3 around it, unevenness is what waves
of 1.5 to 6 pixels leave. They belong to others and are not in the repository.
"""

import pytest
import torch
from torch.nn import functional as F

from anybone.synthetic.contrast import BatchRng, physics
from anybone.synthetic.example_knee import example_knee
from anybone.synthetic.scanner import Atlas, Renderer, RenderOptions
from anybone.synthetic.scanner.aim import Aim
from anybone.synthetic.tissue import Tissue

SUPPRESSED = (0.06, 0.21, 0.43, 0.46, 0.52, 0.53, 0.59, 0.62, 0.70, 0.73, 0.74, 0.81, 0.84)
STIR = (0.86, 1.07, 1.07, 1.22, 1.36)
FINE_NOISE = (0.011, 0.020)
UNEVENNESS = (0.013, 0.020)


def over_muscle(sequence, marrow, count=1500):
    contrast = physics([sequence] * count, BatchRng(4))
    mean = contrast.table[:, [marrow, Tissue.MUSCLE]].mean(dim=2)
    signal = (mean.real + mean.imag * contrast.fat_left[:, None]).abs()
    return signal[:, 0] / signal[:, 1]


@pytest.mark.parametrize("sequence", ["pd-fs", "t2-fs"])
def test_suppressed_marrow_covers_measured_ratios(sequence):
    drawn = torch.cat([over_muscle(sequence, marrow) for marrow in (Tissue.YELLOW_MARROW, Tissue.RED_MARROW)])
    low, middle, high = drawn.quantile(torch.tensor([0.02, 0.5, 0.95]))
    assert drawn.min() < min(SUPPRESSED)
    assert low < SUPPRESSED[1]
    assert high > max(SUPPRESSED)
    assert SUPPRESSED[3] < middle < SUPPRESSED[-3]  # and what is common there is common here


def test_red_marrow_of_stir_covers_measured_ratios():
    low, high = over_muscle("stir", Tissue.RED_MARROW).quantile(torch.tensor([0.05, 0.95]))
    assert low < min(STIR)
    assert high > max(STIR)


def grain():
    """Fine noise and unevenness of deep marrow in drawn knees."""
    atlas = Atlas.of([example_knee()])
    aim = Aim(off_bone=0.0, field=(0.9, 1.1), any_tilt=0.0)
    options = RenderOptions(size=384, mixture_share=0.0, sequences=("pd-fs", "t2-fs", "stir", "t1", "pd"), aim=aim)
    rendered = Renderer(atlas, options).draw(24, 3)
    found = []
    for image, bone in zip(rendered.image[:, 0], rendered.bone[:, 0] > 0, strict=True):
        deep = -F.max_pool2d(-bone[None].float(), 29, 1, 14)[0] > 0
        if deep.sum() > 300:
            image = image / image.quantile(0.99)
            smooth = F.avg_pool2d(image[None], 3, 1, 1)[0]
            waves = smooth - F.avg_pool2d(image[None], 11, 1, 5)[0]
            found.append([(image - smooth)[deep].std(), waves[deep].std()])
    return torch.tensor(found).T


def test_grain_covers_measured_grain():
    fine, uneven = grain()
    assert len(fine) > 10
    assert fine.quantile(0.1) < FINE_NOISE[0]
    assert fine.quantile(0.9) > FINE_NOISE[1]
    assert uneven.median() < 2 * UNEVENNESS[1]
    assert uneven.quantile(0.1) < UNEVENNESS[0]
