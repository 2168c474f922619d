"""A preview: one PNG contact sheet of a volume's slices with its bones outlined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anybone.core.atomic import whole_file
from anybone.core.errors import GeometryError
from anybone.core.orientation import upright
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export.caption import PAPER, TEXT_PX, TITLE_PX, draw_legend, draw_letters, draw_title, legend_lines
from anybone.export.contact_sheet import MARGIN, PAGE_WIDTH, choose_slices, grid_for
from anybone.export.slice_picture import draw_slice, gray_window

if TYPE_CHECKING:
    from PIL import Image

_LEGEND_LINE_PX = TEXT_PX + 12
_SECTION_PX = 18  # between title, slices and legend


def write_preview(volume: Volume, segmentation: Segmentation, path: Path, axis: int | None = None) -> None:
    """Write a PNG of up to twelve slices, most of them with bone.

    Each slice is upright, in true proportions, labeled with its index and directions (see `upright`).

    Args:
        volume: What is shown.
        segmentation: What is outlined, on the same grid.
        path: Of the PNG.
        axis: The array axis whose slices are shown; the acquisition axis unless given.

    Raises:
        GeometryError: The segmentation is not on the volume's grid.
        WriteError: The file cannot be written.
    """
    if not segmentation.geometry.matches(volume.geometry):
        raise GeometryError(
            f"The segmentation (shape {segmentation.geometry.shape_ijk}) does not lie on the volume's grid "
            f"(shape {volume.geometry.shape_ijk}). Give the volume it was made from."
        )
    axis = volume.geometry.slice_axis if axis is None else axis
    page = _page(volume, segmentation, axis)
    with whole_file(path, ".png") as part:
        page.save(part, format="PNG")


def _page(volume: Volume, segmentation: Segmentation, axis: int) -> Image.Image:
    from PIL import Image, ImageDraw

    view = upright(volume.geometry, axis)
    others = tuple(a for a in range(3) if a != view.axis)
    indices = choose_slices(np.asarray(segmentation.mask.any(axis=others)))
    rows, columns = view.picture(volume.data, 0).shape
    grid = grid_for(len(indices), columns * view.pixel_mm[1] / (rows * view.pixel_mm[0]))
    legend = legend_lines(segmentation)
    top = MARGIN + TITLE_PX + TEXT_PX + 8 + _SECTION_PX
    height = top + grid.height + _SECTION_PX + len(legend) * _LEGEND_LINE_PX + MARGIN
    page = Image.new("RGB", (PAGE_WIDTH, height), PAPER)
    draw = ImageDraw.Draw(page)
    draw_title(draw, volume, segmentation, view)
    window = gray_window(volume.data)
    size = (grid.tile_width, grid.tile_height)
    for place, index in enumerate(indices):
        tile = draw_slice(volume, segmentation, view, index, window, size)
        draw_letters(ImageDraw.Draw(tile), view, f"{'ijk'[view.axis]} {index}", size)
        page.paste(tile, grid.corner(place, top))
    for line, entries in enumerate(legend):
        draw_legend(draw, entries, top + grid.height + _SECTION_PX + line * _LEGEND_LINE_PX)
    return page
