from __future__ import annotations

import pytest

from anybone.training.schedules import SCHEDULES, factor


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_rises_then_falls_to_nothing(name):
    rates = [factor(name, step / 100, 0.1) for step in range(101)]
    assert rates[5] == pytest.approx(0.5)
    assert rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.0, abs=1e-12)
    assert factor(name, 0.0, 0.0) == 1.0


def test_halfway():
    assert factor("cosine", 0.5, 0.0) == pytest.approx(0.5)
    assert factor("poly", 0.5, 0.0) == pytest.approx(0.5**0.9)
