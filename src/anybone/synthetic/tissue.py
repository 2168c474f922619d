"""Tissue: what a voxel of an anatomy is made of."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class Tissue(IntEnum):
    """The closed list of tissues; the numbers are what label maps store, so that new ones go at the end.

    A voxel belongs to a bone by its bone number, not by its tissue: marrow edema and a bone cyst are EDEMA and LESION
    with a bone number, edema of a muscle is EDEMA without one.
    """

    AIR = 0
    SKIN = 1
    FAT = 2  # beneath the skin, between muscles, pads of joints
    FASCIA = 3
    MUSCLE = 4
    TENDON = 5
    LIGAMENT = 6  # with joint capsules and retinacula
    VESSEL = 7
    NERVE = 8
    CORTEX = 9  # with subchondral plates
    YELLOW_MARROW = 10
    RED_MARROW = 11
    PHYSIS_SCAR = 12  # the line a closed growth plate leaves
    GROWTH_CARTILAGE = 13  # an open growth plate
    CARTILAGE = 14
    MENISCUS = 15  # with labra and the triangular disc of the wrist
    DISC_NUCLEUS = 16
    DISC_ANNULUS = 17
    CSF = 18
    CORD = 19  # with the roots of the cauda
    FLUID = 20  # of joints, bursae and cysts
    EDEMA = 21
    LESION = 22  # a tumor or another mass, solid
    CALLUS = 23
    BOWEL = 24
    BOWEL_GAS = 25
    LUNG = 26
    ORGAN = 27  # liver, kidney, spleen, heart, glands
    BRAIN = 28
    METAL = 29


MARROW = (Tissue.YELLOW_MARROW, Tissue.RED_MARROW)
"""The two kinds of marrow."""
