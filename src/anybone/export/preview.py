"""A preview: one PNG contact sheet of a volume's slices with its bones outlined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anybone.errors import GeometryError, WriteError
from anybone.export.caption import PAPER, TEXT_PX, TITLE_PX, draw_legend, draw_letters, draw_title, legend_lines
from anybone.export.contact_sheet import MARGIN, PAGE_WIDTH, choose_slices, grid_for
from anybone.export.outline import draw_outline
from anybone.export.upright import Upright, upright
from anybone.labels import colour_of
from anybone.segmentation import Segmentation
from anybone.volume import Volume

if TYPE_CHECKING:
    from PIL import Image

_LINE_PX = 1.8
_WINDOW_PERCENTILES = (1.0, 99.0)  # the few brightest voxels (vessels, coil) would darken everything else
_WINDOW_SAMPLES = 2_000_000
_LEGEND_LINE_PX = TEXT_PX + 12
_SECTION_PX = 18  # between title, slices and legend


def write_preview(volume: Volume, segmentation: Segmentation, path: Path, axis: int | None = None) -> None:
    """Nothing; writes a PNG of up to twelve slices, most of them with bone.

    Each slice is upright, in its true proportions, labelled with its index and directions (see `upright`).

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
    try:
        page.save(path, format="PNG")
    except OSError as error:
        raise WriteError(f"The preview cannot be written to {path}: {error}. Choose another folder.") from error


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
    window = _window(volume.data)
    for place, index in enumerate(indices):
        tile = _tile(volume, segmentation, view, index, window, (grid.tile_width, grid.tile_height))
        page.paste(tile, grid.corner(place, top))
    for line, entries in enumerate(legend):
        draw_legend(draw, entries, top + grid.height + _SECTION_PX + line * _LEGEND_LINE_PX)
    return page


def _window(data: NDArray[np.float32]) -> tuple[float, float]:
    """The values shown as black and as white."""
    samples = data.ravel()[:: max(1, data.size // _WINDOW_SAMPLES)]
    low, high = np.percentile(samples, _WINDOW_PERCENTILES)
    if high <= low:  # a volume that is empty but for a little: show that little
        low, high = float(data.min()), float(data.max())
    return float(low), float(max(high, low + 1e-6))


def _tile(
    volume: Volume,
    segmentation: Segmentation,
    view: Upright,
    index: int,
    window: tuple[float, float],
    size: tuple[int, int],
) -> Image.Image:
    from PIL import Image, ImageDraw

    low, high = window
    grey = ((view.picture(volume.data, index) - low) / (high - low)).clip(0, 1).astype(np.float32)
    grey = np.asarray(Image.fromarray(np.ascontiguousarray(grey)).resize(size, Image.Resampling.BICUBIC))
    picture = np.repeat(grey.clip(0, 1)[..., None] * 255, 3, axis=2)
    labels = view.picture(segmentation.labels, index)
    for label in np.unique(labels[labels > 0]).tolist():
        draw_outline(picture, labels == label, colour_of(segmentation.names[label], label), _LINE_PX)
    tile = Image.fromarray(picture.round().clip(0, 255).astype(np.uint8))
    draw_letters(ImageDraw.Draw(tile), view, f"{'ijk'[view.axis]} {index}", size)
    return tile
