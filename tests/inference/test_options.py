from __future__ import annotations

import pytest

from anybone.core.errors import UsageError
from anybone.inference.options import PRESETS, SegmentOptions


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_not_given_is_as_the_preset_has_it(preset):
    options = SegmentOptions(preset, min_signal=0.3)
    assert options.to_dict() == SegmentOptions(preset).to_dict() | {"min_signal": 0.3}
    assert {name: options.to_dict()[name] for name in PRESETS[preset]} == PRESETS[preset] | {"min_signal": 0.3}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"axis": 3}, "axis is 0, 1 or 2"),
        ({"every": 0}, "at least 1"),
        ({"batch": 0}, "at least 1"),
        ({"smoothing_mm": -0.1}, "smoothing_mm is 0 to 5"),
        ({"smoothing_mm": 6.0}, "found 6.0"),
        ({"preprocessing": "published", "smoothing_mm": 0.5}, "leave smoothing_mm out"),
        ({"preprocessing": "published", "keep_aspect": True}, "leave keep_aspect out"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong, said):
    with pytest.raises(UsageError, match=said):
        SegmentOptions(**wrong)
