"""The words on a contact sheet: title, legend, slice numbers, directions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anybone.core.orientation import Upright
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export.contact_sheet import MARGIN, PAGE_WIDTH

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

TITLE_PX, TEXT_PX = 26, 19
PAPER = (16, 18, 22)
_INK, _FAINT, _WARNING = (238, 240, 244), (150, 156, 168), (255, 176, 0)
_SMALL_PX = 16
_LEGEND_LIMIT = 60
_BETWEEN_ENTRIES_PX = 32

LegendEntry = tuple[int, str, tuple[int, int, int]]  # x on the page, text, color


def draw_letters(draw: ImageDraw.ImageDraw, view: Upright, index: str, size: tuple[int, int]) -> None:
    """Draw the slice's index in its corner and the patient's directions at its edges."""
    width, height = size
    places = (
        ((8, 6), "la", index, _INK),
        ((width // 2, 5), "ma", view.edges[0], _FAINT),
        ((width - 7, height // 2), "rm", view.edges[1], _FAINT),
        ((width // 2, height - 6), "md", view.edges[2], _FAINT),
        ((7, height // 2), "lm", view.edges[3], _FAINT),
    )
    for xy, anchor, text, color in places:
        draw.text(xy, text, fill=color, anchor=anchor, font=_font(_SMALL_PX), stroke_width=2, stroke_fill=PAPER)


def draw_title(draw: ImageDraw.ImageDraw, volume: Volume, segmentation: Segmentation, view: Upright) -> None:
    """Draw the title of the page: file, grid, orientation and bone volume."""
    geometry = volume.geometry
    name = volume.source.path.name if volume.source.path else volume.source.description or "volume without a file"
    voxels = int(segmentation.mask.sum())
    facts = [
        " x ".join(str(n) for n in geometry.shape_ijk) + " voxels",
        " x ".join(f"{s:.2f}" for s in geometry.spacing_mm) + " mm",
        f"{view.plane} slices, stored {geometry.orientation}" if view.plane else "orientation unknown",
        f"{voxels:,} voxels of bone, {voxels * geometry.voxel_volume_mm3 / 1000:.1f} ml" if voxels else "no bone found",
    ]
    draw.text((MARGIN, MARGIN), _fitting(name, TITLE_PX), fill=_INK, font=_font(TITLE_PX))
    at = (MARGIN, MARGIN + TITLE_PX + 8)
    draw.text(at, "   \u00b7   ".join(facts), fill=_FAINT if voxels else _WARNING, font=_font(TEXT_PX))


def legend_lines(segmentation: Segmentation) -> list[list[LegendEntry]]:
    """Return the legend, wrapped into lines: name, volume and color of each label that occurs."""
    ml = segmentation.geometry.voxel_volume_mm3 / 1000
    counts = np.bincount(segmentation.labels.ravel())
    present = [int(label) for label in np.flatnonzero(counts) if label]
    items = [
        (f"{segmentation.names[n]}  {counts[n] * ml:.1f} ml", segmentation.color(n)) for n in present[:_LEGEND_LIMIT]
    ]
    if len(present) > _LEGEND_LIMIT:
        items.append((f"and {len(present) - _LEGEND_LIMIT} more", _FAINT))
    return _wrapped(items)


def _wrapped(items: Iterable[tuple[str, tuple[int, int, int]]]) -> list[list[LegendEntry]]:
    lines: list[list[LegendEntry]] = []
    x = PAGE_WIDTH
    for text, color in items:
        text = _fitting(text, TEXT_PX)
        advance = TEXT_PX + 8 + round(_font(TEXT_PX).getlength(text)) + _BETWEEN_ENTRIES_PX
        if x + advance - _BETWEEN_ENTRIES_PX > PAGE_WIDTH - MARGIN:
            lines.append([])
            x = MARGIN
        lines[-1].append((x, text, color))
        x += advance
    return lines


def draw_legend(draw: ImageDraw.ImageDraw, entries: list[LegendEntry], y: int) -> None:
    """Draw one line of the legend at height `y`."""
    for x, text, color in entries:
        draw.rounded_rectangle((x, y + 2, x + TEXT_PX - 3, y + TEXT_PX - 1), radius=4, fill=color)
        draw.text((x + TEXT_PX + 8, y), text, fill=_INK, font=_font(TEXT_PX))


def _fitting(text: str, size_px: int) -> str:
    """Return the text in characters of the built-in font, cut at the width of the page."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode() or "(name not in Latin letters)"
    font, room = _font(size_px), PAGE_WIDTH - 4 * MARGIN
    if font.getlength(plain) <= room:
        return plain
    while font.getlength(plain + " ...") > room:
        plain = plain[:-1]
    return plain + " ..."


@lru_cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in font, which every installation has."""
    from PIL import ImageFont

    return ImageFont.load_default(size_px)
