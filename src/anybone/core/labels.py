"""The bones of the skeleton by name: side, SNOMED CT code and color of each.

Codes are those that pydicom's dictionary holds. It has none for single carpal bones (but the scaphoid), metatarsals,
phalanges, the cuboid, the cuneiforms or the hip bone: these carry the code of the part they belong to, whose meaning
says so, and their own name tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

Side = Literal["left", "right"]
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Bone:
    """One bone.

    Attributes:
        key: What programs write, e.g. "femur_left", "l4".
        name: What people read, e.g. "left femur", "L4 vertebra".
        side: Of the patient; None for a bone on the midline.
        snomed_ct: Code and meaning, of the bone or of the part of the skeleton it belongs to.
        color_rgb: 0..255; no two bones share one.
        aliases: Further words that find it.
    """

    key: str
    name: str
    side: Side | None
    snomed_ct: tuple[str, str]
    color_rgb: Rgb
    aliases: tuple[str, ...] = ()


# Okabe and Ito's palette, which people with any color vision tell apart, each color lightened until a thin line of
# it shows on a dark image, and ordered so that colors which follow one another differ most to color-blind eyes.
_PALETTE: tuple[Rgb, ...] = (
    (255, 176, 0),
    (0, 200, 150),
    (110, 140, 255),
    (245, 235, 80),
    (240, 140, 200),
    (240, 110, 60),
    (86, 200, 255),
)

_DARKEST, _LIGHTEST = -0.2, 0.45  # share of black or of white: beyond these a line is lost on the image, or its hue
_GOLDEN_RATIO = 0.618034

# (key, name, SNOMED CT code, its meaning, aliases). Append only: the place in the table decides the color.
_MIDLINE = (
    ("bone", "bone", "272673000", "Bone", ""),
    ("skull", "skull", "89546000", "Skull", "cranium head"),
    ("mandible", "mandible", "91609006", "Mandible", "lower jaw"),
    ("hyoid", "hyoid bone", "21387005", "Hyoid bone", "neck"),
    ("frontal", "frontal bone", "74872008", "Frontal bone", "skull forehead"),
    ("occipital", "occipital bone", "31640002", "Occipital bone", "skull"),
    ("sphenoid", "sphenoid bone", "73117003", "Sphenoid bone", "skull"),
    ("ethmoid", "ethmoid bone", "52374004", "Ethmoid bone", "skull"),
    ("vomer", "vomer", "87166008", "Vomer bone", "skull nose"),
    ("manubrium", "manubrium", "37285002", "Bone structure of manubrium (body structure)", "sternum breastbone"),
    ("sternum", "sternum", "56873002", "Bone structure of sternum (body structure)", "breastbone"),
    ("sacrum", "sacrum", "54735007", "Bone structure of sacrum (body structure)", "spine pelvis s1"),
    ("coccyx", "coccyx", "64688005", "Coccyx", "spine tailbone"),
)
_PAIRED = (
    ("femur", "femur", "71341001", "Femur", "thigh bone"),
    ("patella", "patella", "64234005", "Bone structure of patella (body structure)", "kneecap"),
    ("tibia", "tibia", "12611008", "Tibia", "shin bone leg"),
    ("fibula", "fibula", "87342007", "Fibula", "calf bone leg"),
    ("hip", "hip bone", "29836001", "Hip", "pelvis innominate coxa"),
    ("ilium", "ilium", "22356005", "Bone structure of ilium (body structure)", "pelvis hip"),
    ("ischium", "ischium", "85710004", "Bone structure of ischium (body structure)", "pelvis hip"),
    ("clavicle", "clavicle", "51299004", "Clavicle", "collarbone shoulder"),
    ("scapula", "scapula", "79601000", "Bone structure of scapula (body structure)", "shoulder blade"),
    ("humerus", "humerus", "85050009", "Humerus", "upper arm"),
    ("radius", "radius", "62413002", "Radius", "forearm"),
    ("ulna", "ulna", "23416004", "Ulna", "forearm elbow"),
    ("scaphoid", "scaphoid", "30518006", "Scaphoid", "wrist carpal"),
    ("lunate", "lunate", "8205005", "Carpus", "wrist carpal"),
    ("triquetrum", "triquetrum", "8205005", "Carpus", "wrist carpal triquetral"),
    ("pisiform", "pisiform", "8205005", "Carpus", "wrist carpal"),
    ("trapezium", "trapezium", "8205005", "Carpus", "wrist carpal"),
    ("trapezoid", "trapezoid", "8205005", "Carpus", "wrist carpal"),
    ("capitate", "capitate", "8205005", "Carpus", "wrist carpal"),
    ("hamate", "hamate", "8205005", "Carpus", "wrist carpal"),
    ("talus", "talus", "67453005", "Talus", "ankle foot tarsal"),
    ("calcaneus", "calcaneus", "80144004", "Calcaneus", "heel bone foot tarsal"),
    ("navicular", "navicular", "75772009", "Bone structure of navicular (body structure)", "foot tarsal"),
    ("cuboid", "cuboid", "108371006", "Tarsus", "foot tarsal"),
    ("cuneiform_medial", "medial cuneiform", "108371006", "Tarsus", "foot tarsal first"),
    ("cuneiform_intermediate", "intermediate cuneiform", "108371006", "Tarsus", "foot tarsal second"),
    ("cuneiform_lateral", "lateral cuneiform", "108371006", "Tarsus", "foot tarsal third"),
    ("sesamoids_foot", "sesamoids of the foot", "58742003", "Sesamoid bones of foot", "big toe"),
    ("parietal", "parietal bone", "24924006", "Parietal bone", "skull"),
    ("temporal", "temporal bone", "60911003", "Temporal Bone", "skull ear"),
    ("maxilla", "maxilla", "70925003", "Maxilla", "skull upper jaw"),
    ("zygomatic", "zygomatic bone", "13881006", "Zygoma", "skull cheek"),
    ("nasal", "nasal bone", "74386004", "Nasal bone", "skull nose"),
    ("lacrimal", "lacrimal bone", "6229007", "Lacrimal bone", "skull orbit"),
    ("palatine", "palatine bone", "51283005", "Palatine bone", "skull palate"),
)
_VERTEBRA_CODES = {
    "C": "14806007 39976000 113205007 5329002 36978003 36054005 87391001",
    "T": "64864005 53733008 1626008 73071006 56401006 45296009 62487009 11068009 82687006 7610001 12989004 23215003",
    "L": "66794005 14293000 36470004 11994002 49668003",
}
_REGIONS = {"C": "cervical neck spine", "T": "thoracic dorsal spine", "L": "lumbar spine"}
_VERTEBRA_ALIASES = {"C1": "atlas", "C2": "axis dens odontoid"}
_RAYS = range(1, 6)


def _vertebrae() -> Iterator[tuple[str, str, str, str, str]]:
    for region, codes in _VERTEBRA_CODES.items():
        for number, code in enumerate(codes.split(), start=1):
            short = f"{region}{number}"
            aliases = f"{_REGIONS[region]} {_VERTEBRA_ALIASES.get(short, '')}"
            yield short.lower(), f"{short} vertebra", code, f"{short} vertebra", aliases


def _rows_of_rays() -> Iterator[tuple[str, str, str, str, str]]:
    """Ribs, and the bones of fingers and toes, which are counted from the thumb and the big toe."""
    for number in range(1, 13):
        yield f"rib_{number}", f"rib {number}", "113197003", "Rib", "thorax chest"
    for ray in _RAYS:
        digit = "thumb" if ray == 1 else "finger"
        yield f"metacarpal_{ray}", f"metacarpal {ray}", "36455000", "Metacarpal", f"hand {digit}"
    for ray in _RAYS:
        digit = "big toe hallux" if ray == 1 else "toe"
        yield f"metatarsal_{ray}", f"metatarsal {ray}", "280711000", "Metatarsus", f"foot {digit}"
    for limb, part, code, meaning, first in (
        ("finger", "hand", "24097009", "Hand bone", "thumb"),
        ("toe", "foot", "29707007", "Toe", "big hallux"),
    ):
        for ray in _RAYS:
            for place in ("proximal", "distal") if ray == 1 else ("proximal", "middle", "distal"):
                aliases = f"{part} {first}" if ray == 1 else part
                yield f"{limb}_{ray}_{place}", f"{place} phalanx of {limb} {ray}", code, meaning, aliases


def _color(place: int) -> Rgb:
    """Return a color of the palette; each round through the palette is darker or lighter than the one before."""
    hue, turn = _PALETTE[place % len(_PALETTE)], place // len(_PALETTE)
    shade = _DARKEST + (_LIGHTEST - _DARKEST) * ((turn * _GOLDEN_RATIO - _DARKEST / (_LIGHTEST - _DARKEST)) % 1)
    toward = 255 if shade > 0 else 0
    red, green, blue = (round(c + (toward - c) * abs(shade)) for c in hue)
    return (red, green, blue)


def _build() -> dict[str, Bone]:
    table: dict[str, Bone] = {}
    sides: tuple[Side, Side] = ("left", "right")
    for key, name, code, meaning, aliases in (*_MIDLINE, *_vertebrae()):
        table[key] = Bone(key, name, None, (code, meaning), _color(len(table)), tuple(aliases.split()))
    for key, name, code, meaning, aliases in (*_PAIRED, *_rows_of_rays()):
        for side in sides:
            bone = f"{key}_{side}"
            table[bone] = Bone(
                bone, f"{side} {name}", side, (code, meaning), _color(len(table)), tuple(aliases.split())
            )
    return table


BONES: Mapping[str, Bone] = MappingProxyType(_build())


def _words(text: str) -> list[str]:
    return text.lower().replace("_", " ").replace("-", " ").split()


def find(query: str) -> list[Bone]:
    """Return the bones that match a query, best first; all bones for an empty query.

    Every typed word must begin a word of the bone's name, key or aliases: "l fem", "rib 4 right", "wrist".
    """
    typed = _words(query)
    hits = []
    for place, bone in enumerate(BONES.values()):
        name = _words(bone.name)
        words = {*name, *_words(bone.key), *bone.aliases}
        if all(any(word.startswith(t) for word in words) for t in typed):
            whole = sum(t not in words for t in typed)
            in_name = sum(not any(word.startswith(t) for word in name) for t in typed)
            hits.append((whole, in_name, place, bone))
    return [bone for *_, bone in sorted(hits, key=lambda hit: hit[:3])]


@lru_cache(maxsize=1024)
def named(name: str) -> Bone | None:
    """Return the bone of exactly this name or key ("left femur", "femur_left", "Left Femur"), or None."""
    wanted = sorted(_words(name))
    return next((b for b in BONES.values() if wanted in (sorted(_words(b.name)), sorted(_words(b.key)))), None)


def color_of(name: str, label: int) -> Rgb:
    """Return the display color of a label: that of its bone if the name is known, else one chosen by the number."""
    bone = named(name)
    return bone.color_rgb if bone else _color((label - 1) % len(BONES))
