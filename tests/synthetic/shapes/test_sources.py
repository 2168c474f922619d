from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from anybone.core import labels
from anybone.core.errors import MissingExtraError
from anybone.synthetic.shapes import SHAPES, shapes_of, skeleton
from anybone.synthetic.shapes import lower_limb as limb


def test_every_bone_of_every_source_has_a_name_that_labels_know() -> None:
    assert [name for name, _ in shapes_of() if labels.named(name) is None] == []


def test_all_bones_but_those_of_the_skull_have_a_shape() -> None:
    shaped = {name for name, _ in shapes_of()}
    left_out = {bone.key for bone in labels.BONES.values() if bone.name not in shaped}
    assert not {key for key in left_out if key.startswith(("rib", "metacarpal", "finger", "toe", "c", "l1", "t1"))}
    assert len(shaped) > 175


def test_the_sources_of_one_bone() -> None:
    assert [source.name for _, source in shapes_of("left talus")] == ["Articulated skeleton", "Visible Human legs"]
    assert all(source.license and source.credit and source.quality for source in SHAPES.values())


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    limb._model.cache_clear()
    skeleton._model.cache_clear()
    with pytest.raises(MissingExtraError, match=r'pip install "anybone\[anatomy\]"'):
        limb.lower_limb(np.random.default_rng(0))
    with pytest.raises(MissingExtraError, match=r'pip install "anybone\[anatomy\]"'):
        skeleton.articulated(())
    assert not SHAPES["skeleton"].installed
    assert SHAPES["measures"].installed
