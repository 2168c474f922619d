"""How the protons of each tissue relax at 1.5 and 3 tesla.

Water and fat are two pools: a voxel of yellow marrow is mostly fat with the fat's times, and some water with its own.
Times are in milliseconds, from:

- Gold 2004: Gold et al., AJR 183:343 (cartilage, muscle, synovial fluid, fat; 1.5 and 3 T).
- Stanisz 2005: Stanisz et al., Magn Reson Med 54:507 (muscle, cord, nerve, blood, brain, heart; 1.5 and 3 T).
- de Bazelaire 2004: de Bazelaire et al., Radiology 230:652 (liver, spleen, kidney, marrow of L4; 1.5 and 3 T).
- Martirosian 2012: ISMRM 20:2374, and Gold 1995: Radiology 196:415 (tendon, ligament, meniscus).
- Du 2013: Du and Bydder, NMR Biomed 26:489 (cortical bone: only its pores and bound water give signal).
- Baum 2018: Front Endocrinol 9:141 (fat of vertebral marrow: 27-35 % at 20 years, more later).
- Blumenkrantz 2010: Magn Reson Med 63:1193 (T2 of the nucleus of discs; it falls as they degenerate).

"chosen" marks tissues for which no measurement at both fields was at hand: between tissues of like make, so that their
rank on clinical images is right. Every scan draws its own values around these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from anybone.anatomy.tissue import Tissue


@dataclass(frozen=True)
class Relaxation:
    """One tissue.

    Attributes:
        density: Protons that can give signal, water and fat together; 1 is water.
        fat: Their share in fat.
        t1_ms: Of the water, at 1.5 and 3 T.
        t2_ms: Of the water, at 1.5 and 3 T.
        dephasing_ms: T2' at 1.5 T: a gradient echo decays with 1/T2* = 1/T2 + 1/T2'; half as long at 3 T.
        source: Where the times are from.
    """

    density: float
    fat: float
    t1_ms: tuple[float, float]
    t2_ms: tuple[float, float]
    dephasing_ms: float = 60.0
    source: str = "chosen"


FAT_POOL = Relaxation(1.0, 1.0, (288, 371), (165, 133), 60.0, "Gold 2004")

_NOTHING = Relaxation(0.0, 0.0, (1000, 1000), (1, 1), 1.0)

RELAXATION: Mapping[Tissue, Relaxation] = MappingProxyType(
    {
        Tissue.AIR: _NOTHING,
        Tissue.SKIN: Relaxation(0.70, 0.10, (850, 1000), (30, 26)),
        Tissue.FAT: Relaxation(0.95, 0.90, (850, 900), (40, 35), source="Gold 2004"),
        Tissue.FASCIA: Relaxation(0.55, 0.30, (800, 900), (20, 18)),
        Tissue.MUSCLE: Relaxation(0.82, 0.03, (1060, 1415), (38, 34), 50.0, "Gold 2004, Stanisz 2005"),
        Tissue.TENDON: Relaxation(0.45, 0.0, (620, 720), (5, 4), 4.0, "Martirosian 2012"),
        Tissue.LIGAMENT: Relaxation(0.50, 0.02, (700, 850), (15, 13), 15.0, "Martirosian 2012"),
        Tissue.VESSEL: Relaxation(0.45, 0.0, (1441, 1932), (200, 150), 40.0, "Stanisz 2005"),  # half flows out
        Tissue.NERVE: Relaxation(0.75, 0.12, (815, 1083), (77, 78), source="Stanisz 2005"),
        Tissue.CORTEX: Relaxation(0.20, 0.03, (200, 225), (0.6, 0.4), 2.0, "Du 2013"),
        Tissue.YELLOW_MARROW: Relaxation(0.84, 0.88, (850, 950), (45, 40), 18.0),
        Tissue.RED_MARROW: Relaxation(0.80, 0.42, (900, 1050), (49, 49), 14.0, "de Bazelaire 2004, Baum 2018"),
        Tissue.PHYSIS_SCAR: Relaxation(0.40, 0.40, (850, 950), (20, 18), 8.0),
        Tissue.GROWTH_CARTILAGE: Relaxation(0.85, 0.0, (1060, 1240), (60, 55), 40.0),
        Tissue.CARTILAGE: Relaxation(0.78, 0.0, (1060, 1240), (42, 37), 45.0, "Gold 2004"),
        Tissue.MENISCUS: Relaxation(0.60, 0.0, (650, 800), (14, 12), 12.0, "Martirosian 2012"),
        Tissue.DISC_NUCLEUS: Relaxation(0.92, 0.0, (1250, 1500), (105, 95), source="Blumenkrantz 2010"),
        Tissue.DISC_ANNULUS: Relaxation(0.62, 0.0, (850, 1000), (38, 34), 30.0),
        Tissue.CSF: Relaxation(1.00, 0.0, (4000, 4160), (1500, 1500), 120.0),
        Tissue.CORD: Relaxation(0.78, 0.0, (745, 993), (74, 78), source="Stanisz 2005"),
        Tissue.FLUID: Relaxation(1.00, 0.0, (2850, 3620), (1210, 767), 120.0, "Gold 2004"),
        Tissue.OEDEMA: Relaxation(0.90, 0.12, (1350, 1650), (85, 78), 30.0),
        Tissue.LESION: Relaxation(0.90, 0.02, (1150, 1450), (80, 74), 40.0),
        Tissue.CALLUS: Relaxation(0.50, 0.10, (850, 1000), (32, 28), 12.0),
        Tissue.BOWEL: Relaxation(0.85, 0.05, (900, 1050), (62, 56), 25.0),
        Tissue.BOWEL_GAS: Relaxation(0.02, 0.0, (1000, 1000), (5, 5), 2.0),
        Tissue.LUNG: Relaxation(0.18, 0.0, (1200, 1300), (40, 35), 1.5),
        Tissue.ORGAN: Relaxation(0.85, 0.02, (720, 930), (52, 45), 35.0, "de Bazelaire 2004"),
        Tissue.BRAIN: Relaxation(0.78, 0.0, (1000, 1350), (84, 82), source="Stanisz 2005"),
        Tissue.METAL: _NOTHING,
    }
)


def at_field(pair: tuple[float, float], field_t: float) -> float:
    """A time at a field in tesla from those at 1.5 and 3 T, along the power law through both."""
    low, high = pair
    return float(low * (high / low) ** math.log2(field_t / 1.5))
