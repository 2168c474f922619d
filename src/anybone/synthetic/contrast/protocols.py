"""Protocols: how the sequences of musculoskeletal MRI are set in practice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Range = tuple[float, float]
Equation = Literal["spin echo", "inversion recovery", "gradient echo"]


@dataclass(frozen=True)
class Protocol:
    """The ranges a scan of one sequence is drawn from.

    Attributes:
        equation: Signal equation.
        tr_ms: Repetition time.
        te_ms: Echo time (effective, in a train of echoes).
        flip_deg: Flip angle of a gradient echo.
        ti_null: Inversion time as a multiple of the time at which fat is null.
        water: Share of water's signal in the image.
        fat: Share of fat's signal in the image; below 1 where fat is suppressed.
        spectral: Fat is separated from water by its frequency, which fails where the field is uneven.
        separated: Water and fat were separated, which also undoes their chemical shift.
        often: Relative frequency in training.
    """

    equation: Equation
    tr_ms: Range
    te_ms: Range
    flip_deg: Range = (90.0, 90.0)
    ti_null: Range = (1.0, 1.0)
    water: Range = (1.0, 1.0)
    fat: Range = (1.0, 1.0)
    spectral: bool = False
    separated: bool = False
    often: float = 1.0

    @property
    def suppressed(self) -> bool:
        """Fat is dark."""
        return self.fat != (1.0, 1.0) or self.equation == "inversion recovery"


_SUPPRESSED = (0.01, 0.3)
_LEAK = (0.0, 0.05)

SEQUENCES: Mapping[str, Protocol] = MappingProxyType(
    {
        "t1": Protocol("spin echo", (400, 800), (8, 20), often=2.5),
        "pd": Protocol("spin echo", (2000, 4500), (12, 40), often=1.5),
        "t2": Protocol("spin echo", (2800, 6000), (65, 120), often=2.0),
        "t1-fs": Protocol("spin echo", (450, 800), (8, 18), fat=_SUPPRESSED, spectral=True),
        "pd-fs": Protocol("spin echo", (2200, 4500), (14, 45), fat=_SUPPRESSED, spectral=True, often=5.0),
        "t2-fs": Protocol("spin echo", (2800, 6000), (50, 90), fat=(0.005, 0.18), spectral=True, often=3.0),
        "stir": Protocol("inversion recovery", (3000, 6500), (15, 65), ti_null=(0.75, 1.1), often=3.0),
        "gre": Protocol("gradient echo", (15, 600), (4, 16), flip_deg=(12, 40)),
        "gre-fs": Protocol(
            "gradient echo", (12, 40), (4, 9), flip_deg=(8, 35), fat=_SUPPRESSED, spectral=True, often=0.7
        ),
        "dixon-water": Protocol("spin echo", (450, 4500), (8, 70), fat=_LEAK, separated=True, often=0.7),
        "dixon-fat": Protocol("spin echo", (450, 4500), (8, 70), water=_LEAK, separated=True, often=0.4),
    }
)
"""Visible dict: a new sequence is a line here."""
