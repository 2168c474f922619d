from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import anybone
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from e2e.conftest import Tab

pytestmark = pytest.mark.skipif(not os.environ.get("ANYBONE_LARGE"), reason="half a minute and 3 GB: make test-large")


def test_a_volume_of_512_x_512_x_200_stays_usable(tab: Callable[[], Tab], address: str, served: Path) -> None:
    data = np.full((512, 512, 200), 40, dtype=np.float32)
    data[200:320, 220:300] = 220
    anybone.write(Volume(data, Geometry(data.shape, np.diag([0.5, 0.5, 1.0, 1.0]))), served / "large.nii.gz")
    one = tab().open(address, "large.nii.gz")
    one.page.evaluate("() => window.studio.goTo(150)")
    assert min(one.color([260, 250, 150])) > 150
    one.click([260, 260, 150])
    one.until("s.mask_slices.length === 1")
    red, green, _ = one.color([260, 250, 150])
    assert red - green > 12
    took = one.page.evaluate(
        """() => {
          const { viewer } = window.studio;
          const since = performance.now();
          for (let n = 0; n < 10; n++) { viewer.lookAt([260, 250, 60 + n]); viewer.drawNow(); viewer.finish(); }
          const scroll = (performance.now() - since) / 10;
          window.studio.setWindow(0, 300); viewer.drawNow(); viewer.finish();
          return { scroll, window: performance.now() - since - 10 * scroll };
        }"""
    )
    print(took, one.page.evaluate("() => performance.getEntriesByName('anybone:click-to-mask').map((e) => e.duration)"))
    assert took["scroll"] < 1500
    assert took["window"] < 1500
