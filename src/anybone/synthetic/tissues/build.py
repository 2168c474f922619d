"""A posed scene -> all its tissues."""

from __future__ import annotations

import numpy as np

from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.scene import Scene
from anybone.synthetic.tissues.bones import fill_bones
from anybone.synthetic.tissues.field import field_of
from anybone.synthetic.tissues.head import fill_head
from anybone.synthetic.tissues.joints import fill_joints
from anybone.synthetic.tissues.pathology import add_pathology
from anybone.synthetic.tissues.soft_tissue import fill_soft_tissue
from anybone.synthetic.tissues.trunk import fill_trunk


def build(scene: Scene, spacing_mm: float, rng: np.random.Generator, seed: int = 0) -> LabelMap:
    """Return the scene's field of view with every tissue: from the skin inward, bones and pathology last.

    Args:
        scene: Posed bones, muscles and canal.
        spacing_mm: Edge of a voxel.
        rng: Draws everything.
        seed: Seed of the scene, for the record.
    """
    field = field_of(scene, spacing_mm, rng)
    tissue = np.zeros(field.shape, dtype=np.uint8)
    soft_tissue = fill_soft_tissue(field, scene, tissue)
    fill_trunk(field, scene, soft_tissue, tissue)
    fill_head(field, scene, tissue)
    fill_joints(field, scene, tissue)
    fill_bones(field, scene, tissue)
    add_pathology(field, tissue)
    return LabelMap(tissue, field.bone, field.geometry, field.names, scene.region, seed, scene.credits)
