"""Plain frames for tests of the scanner."""

import torch

from anybone.synthetic.scanner.frames import Frames, oriented


def level_frames(count, pixel=1.0, pitch=4.0, center=(40.0, 40.0, 20.0), plane="axial", voxel_mm=1.0) -> Frames:
    """Frames straight along the axes, all alike."""
    spacing = torch.tensor([[pixel, pixel, pitch]]).expand(count, 3)
    steps = oriented((plane,) * count, torch.zeros(count, 3), spacing, torch.full((count,), voxel_mm))
    return Frames(
        which=torch.zeros(count, dtype=torch.long),
        center_vx=torch.tensor([center]).expand(count, 3),
        right_vx=steps[:, 0],
        down_vx=steps[:, 1],
        through_vx=steps[:, 2],
        spacing_mm=spacing,
        thickness_mm=torch.full((count,), 3.5),
        shown=torch.tensor([[-1.0, 1e4, -1.0, 1e4]]).expand(count, 4),
        planes=(plane,) * count,
    )
