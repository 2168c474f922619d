from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from anybone.core.labels import BONES, color_of, find, named

# Viénot, Brettel and Mollon 1999: what is seen of linear RGB, rows R G B.
DICHROMATS = {
    "deuteranope": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
    "protanope": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
}
FEMUR = (118, 147, 255)  # frozen: pictures of two versions must agree


def test_every_snomed_code_and_meaning_is_one_of_pydicoms():
    from pydicom.sr._concepts_dict import concepts

    known = {(code, entry[0]) for by_code in concepts["SCT"].values() for code, entry in by_code.items()}
    assert {bone.key: bone.snomed_ct for bone in BONES.values() if bone.snomed_ct not in known} == {}


def test_vertebrae_and_long_bones_have_codes_of_their_own():
    own = [b.snomed_ct[0] for b in BONES.values() if b.side is None]
    assert len(own) == len(set(own))
    assert BONES["femur_left"].snomed_ct == ("71341001", "Femur")
    assert BONES["l4"].snomed_ct == ("11994002", "L4 vertebra")


def test_the_skeleton_is_whole():
    assert sum(b.name.endswith("vertebra") for b in BONES.values()) == 7 + 12 + 5
    assert sum(" rib " in b.name for b in BONES.values()) == 24
    assert sum("phalanx" in b.name for b in BONES.values()) == 4 * 14
    assert sum("wrist" in b.aliases for b in BONES.values()) == 2 * 8
    assert sum("tarsal" in b.aliases for b in BONES.values()) == 2 * 7
    assert {"skull", "mandible", "sternum", "sacrum", "coccyx", "hip_left", "patella_right", "scapula_left"} <= set(
        BONES
    )


def test_keys_names_and_sides_agree():
    assert len({b.name for b in BONES.values()}) == len(BONES)
    for key, bone in BONES.items():
        assert key == bone.key
        assert (bone.side is None) == (not bone.name.startswith(("left ", "right ")))
        assert bone.side is None or bone.key.endswith(bone.side)


def test_colors_are_distinct_bright_and_stable():
    colors = [b.color_rgb for b in BONES.values()]
    assert len(set(colors)) == len(colors)
    assert min(max(c) for c in colors) >= 110  # shows on black
    assert BONES["bone"].color_rgb == (255, 176, 0)
    assert BONES["femur_left"].color_rgb == FEMUR


@pytest.mark.parametrize("eyes", DICHROMATS)
def test_neighbors_in_the_table_differ_for_color_blind_eyes_too(eyes):
    linear = (np.array([b.color_rgb for b in BONES.values()]) / 255) ** 2.2
    seen = (linear @ DICHROMATS[eyes].T).clip(0, 1) ** (1 / 2.2)
    assert min(np.linalg.norm(a - b) for a, b in pairwise(seen)) > 0.2


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("femur", "femur_left"),
        ("fem r", "femur_right"),
        ("r fem", "femur_right"),
        ("L4", "l4"),
        ("rib 4 right", "rib_4_right"),
        ("kneecap", "patella_left"),
        ("atlas", "c1"),
        ("metatarsal_1", "metatarsal_1_left"),
        ("heel", "calcaneus_left"),
    ],
)
def test_find_puts_the_meant_bone_first(query, first):
    assert find(query)[0].key == first


def test_find_narrows_while_one_types():
    sizes = [len(find("scaphoid left"[:n])) for n in range(len("scaphoid left") + 1)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == len(BONES)
    assert sizes[-1] == 1
    assert find("left femurr") == []


def test_named_takes_names_and_keys_only_whole():
    assert named("Left Femur") is BONES["femur_left"]
    assert named("femur_left") is BONES["femur_left"]
    assert named("L4 vertebra") is BONES["l4"]
    assert named("femur") is None
    assert named("tumor") is None


def test_importing_the_labels_imports_no_dicom():
    code = "import sys, anybone.core.labels; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_label_has_its_bones_color_or_one_of_its_number():
    assert color_of("Left femur", 9) == FEMUR
    assert color_of("lesion", 1) == BONES["bone"].color_rgb
    assert len({color_of("part", n) for n in range(1, 100)}) == 99
