from __future__ import annotations

import numpy as np
import pytest

from anybone.core.labels import named
from anybone.synthetic.example_knee import FILE, between_sides, example_knee, example_scan, make_example
from anybone.synthetic.label_map import load
from anybone.synthetic.scanner import Series

COARSE = Series(pixel_mm=1.6, thickness_mm=10, gap_mm=0, field_t=1.5, filled=1.0, clean=True)


def test_the_knee_is_small_and_says_what_it_was_made_from():
    assert FILE.stat().st_size < 400_000
    knee = example_knee()
    assert [name.split()[1] for name in knee.names.values()] == ["femur", "patella", "tibia", "fibula"]
    assert all(named(name) for name in knee.names.values())
    credits = " ".join(knee.credits)
    assert all(license in credits for license in ("MPL-2.0", "Apache-2.0", "CC BY 3.0"))


def test_its_scan_is_always_the_same_and_shows_every_bone():
    (volume, truth), (again, _) = example_scan(COARSE), example_scan(COARSE)
    assert np.array_equal(volume.data, again.data)
    assert set(np.unique(truth.labels)) == {0, *truth.names}
    assert volume.geometry.orientation == "PIR"  # sagittal slices


def test_a_cut_keeps_bones_where_they_are():
    knee = example_knee()
    narrow = between_sides(knee, 0)
    assert narrow.tissue.shape[0] < knee.tissue.shape[0]
    assert narrow.tissue.shape[1:] == knee.tissue.shape[1:]
    for number in knee.names:
        middles = [m.geometry.to_world(np.argwhere(m.bone == number)).mean(axis=0) for m in (knee, narrow)]
        assert middles[0] == pytest.approx(middles[1])
        assert (narrow.bone == number).sum() == (knee.bone == number).sum()


def test_it_can_be_made_anew(tmp_path, monkeypatch):
    pytest.importorskip("mujoco", reason="the shapes of bones are the extra anybone[anatomy]")
    monkeypatch.setattr("anybone.synthetic.example_knee._SPACING_MM", 2.5)
    made = make_example(tmp_path / "knee.safetensors")
    assert made.sha256 == load(tmp_path / "knee.safetensors").sha256
    assert made.names == example_knee().names
