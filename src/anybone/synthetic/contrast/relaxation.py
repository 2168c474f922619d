"""Relaxation times of the protons of each tissue at 1.5 and 3 tesla.

Water and fat are two pools: a voxel of yellow marrow is mostly fat with the fat's times, and some water with its own.
Times are in milliseconds. `Relaxation.source` names what a row was taken from:

- Gold 2004: Gold et al., AJR 183:343, knees of volunteers. Cartilage T1 1060/1240, T2 42/37; fluid 2850/3620 and
  1210/767; fat 288/371 and 165/133; muscle 1130/1420 and 35/32.
- Stanisz 2005: Stanisz et al., Magn Reson Med 54:507, animals' tissue and human blood. Muscle T1 1008/1412, T2 44/50;
  cord 745/993 and 74/78; optic nerve 815/1083 and 77/78; blood 1441/1932 and 290/275; white matter 884/1084 and 72/69;
  gray matter 1124/1820 and 95/99.
- de Bazelaire 2004: de Bazelaire et al., Radiology 230:652, volunteers. Liver T1 586/809, T2 46/34; spleen 1057/1328
  and 79/61; cortex of the kidney 966/1142 and 87/76; marrow of L4, water and fat together, 549/586 and 49/49.
- Le Ster 2016: Le Ster et al., J Magn Reson Imaging 44:549, lumbar marrow at 1.5 T. Its water's T1 701, T2* 13.7; fat
  33 %.
- Baum 2018: Baum et al., Front Endocrinol 9:141, fat of lumbar marrow: 27 % of women's and 32 % of men's in their
  twenties, more later.
- Rooney 2007: Rooney et al., Magn Reson Med 57:308, CSF: T1 4300 at any field. T2 1886 at 3 T around the brain is from
  PMC10696635.
- Horch 2010: Horch et al., Magn Reson Med 64:680, cortical bone at 4.7 T: most of its water is bound, with a T2 of 0.4.
- Lung: T1 1370 to 1410 at 1.5 T (Magn Reson Med 41:866); T2' 6.3 (Bergin et al., Radiology 180:845).
- Maps of a knee's menisci (PMC7016502): T1 600, T2 14.6.

"chosen" marks estimates by analogy, between tissues of like make, so that their rank on clinical images is right: the
water of fat and of yellow marrow, skin, fascia, tendon and ligament (most of whose water decays before it is measured),
growth cartilage (as cartilage, wetter), discs (their T2 falls as they degenerate: Blumenkrantz et al., Magn Reson Med
63:1193), edema, lesions, callus, bowel. "near" marks values between a source's and a neighboring tissue's, or at a
field that was not measured. All densities, and all T2' but the lung's and red marrow's, are chosen. Every scan draws
its own values around these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from anybone.synthetic.tissue import Tissue


@dataclass(frozen=True)
class Relaxation:
    """One tissue.

    Attributes:
        density: Protons that can give signal, water and fat together; 1 is water.
        fat: Their share in fat.
        t1_ms: T1 of the water in ms, at 1.5 and 3 T.
        t2_ms: T2 of the water in ms, at 1.5 and 3 T.
        dephasing_ms: T2' at 1.5 T: a gradient echo decays with 1/T2* = 1/T2 + 1/T2'; half as long at 3 T.
        source: Source of the times.
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
        Tissue.FAT: Relaxation(0.95, 0.90, (850, 900), (40, 35)),
        Tissue.FASCIA: Relaxation(0.55, 0.30, (800, 900), (20, 18)),
        Tissue.MUSCLE: Relaxation(0.82, 0.03, (1060, 1415), (38, 34), 50.0, "near Gold 2004, Stanisz 2005"),
        Tissue.TENDON: Relaxation(0.45, 0.0, (620, 720), (5, 4), 4.0),
        Tissue.LIGAMENT: Relaxation(0.50, 0.02, (700, 850), (15, 13), 15.0),
        Tissue.VESSEL: Relaxation(0.45, 0.0, (1441, 1932), (200, 150), 40.0, "T1: Stanisz 2005"),  # half flows out
        Tissue.NERVE: Relaxation(0.75, 0.12, (815, 1083), (77, 78), source="Stanisz 2005"),
        Tissue.CORTEX: Relaxation(0.20, 0.03, (200, 225), (0.6, 0.4), 2.0, "near Horch 2010"),
        Tissue.YELLOW_MARROW: Relaxation(0.84, 0.88, (850, 950), (45, 40), 18.0),
        Tissue.RED_MARROW: Relaxation(0.80, 0.42, (700, 850), (49, 49), 19.0, "near Le Ster 2016, de Bazelaire 2004"),
        Tissue.PHYSIS_SCAR: Relaxation(0.40, 0.40, (850, 950), (20, 18), 8.0),
        Tissue.GROWTH_CARTILAGE: Relaxation(0.85, 0.0, (1060, 1240), (60, 55), 40.0),
        Tissue.CARTILAGE: Relaxation(0.78, 0.0, (1060, 1240), (42, 37), 45.0, "Gold 2004"),
        Tissue.MENISCUS: Relaxation(0.60, 0.0, (650, 800), (14, 12), 12.0, "near PMC7016502"),
        Tissue.DISC_NUCLEUS: Relaxation(0.92, 0.0, (1250, 1500), (105, 95)),
        Tissue.DISC_ANNULUS: Relaxation(0.62, 0.0, (850, 1000), (38, 34), 30.0),
        Tissue.CSF: Relaxation(1.00, 0.0, (4300, 4300), (1900, 1900), 120.0, "Rooney 2007, PMC10696635"),
        Tissue.CORD: Relaxation(0.78, 0.0, (745, 993), (74, 78), source="Stanisz 2005"),
        Tissue.FLUID: Relaxation(1.00, 0.0, (2850, 3620), (1210, 767), 120.0, "Gold 2004"),
        Tissue.EDEMA: Relaxation(0.90, 0.12, (1350, 1650), (85, 78), 30.0),
        Tissue.LESION: Relaxation(0.90, 0.02, (1150, 1450), (80, 74), 40.0),
        Tissue.CALLUS: Relaxation(0.50, 0.10, (850, 1000), (32, 28), 12.0),
        Tissue.BOWEL: Relaxation(0.85, 0.05, (900, 1050), (62, 56), 25.0),
        Tissue.BOWEL_GAS: Relaxation(0.02, 0.0, (1000, 1000), (5, 5), 2.0),
        Tissue.LUNG: Relaxation(0.18, 0.0, (1390, 1450), (40, 35), 6.3, "Magn Reson Med 41:866, Bergin 1991"),
        Tissue.ORGAN: Relaxation(0.85, 0.02, (720, 930), (52, 45), 35.0, "near de Bazelaire 2004"),  # mostly liver
        Tissue.BRAIN: Relaxation(0.78, 0.0, (1004, 1452), (84, 84), source="Stanisz 2005"),  # gray and white
        Tissue.METAL: _NOTHING,
    }
)


def at_field(pair: tuple[float, float], field_t: float) -> float:
    """Return a time at a field in tesla from those at 1.5 and 3 T, along the power law through both."""
    low, high = pair
    return float(low * (high / low) ** math.log2(field_t / 1.5))
