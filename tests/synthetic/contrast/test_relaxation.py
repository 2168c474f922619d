import pytest

from anybone.synthetic.contrast.relaxation import FAT_POOL, RELAXATION, at_field
from anybone.synthetic.tissue import Tissue


def test_every_tissue_has_values():
    assert set(RELAXATION) == set(Tissue)


@pytest.mark.parametrize("tissue", Tissue)
def test_values_are_possible(tissue):
    row = RELAXATION[tissue]
    assert 0 <= row.density <= 1
    assert 0 <= row.fat <= 1
    assert all(0 < t2 < t1 for t1, t2 in zip(row.t1_ms, row.t2_ms, strict=True))
    assert row.t1_ms[1] >= row.t1_ms[0]  # a stronger field, a slower recovery


def test_fields_are_met_and_between_them_times_lie_between():
    assert at_field(FAT_POOL.t1_ms, 1.5) == pytest.approx(288)
    assert at_field(FAT_POOL.t1_ms, 3.0) == pytest.approx(371)
    assert 288 < at_field(FAT_POOL.t1_ms, 2.0) < 371
    assert at_field(FAT_POOL.t1_ms, 0.75) < 288
