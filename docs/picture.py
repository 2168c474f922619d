"""Make the picture of the README from the output of `anybone demo`: python docs/picture.py DEMO_FOLDER OUT.png."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH_PX = 1000
GRAYS, HUES = 40, 16  # gray tissue, a few outlines: more colors would only make the file larger
COLORED = 40  # least difference between the channels of a pixel of an outline


def main(folder: Path, target: Path) -> None:
    """Write the demo's contact sheet, that of the weights if there is one, at a smaller size."""
    found = folder.glob("made_knee_*_bones.png")
    sheets = sorted(
        found, key=lambda sheet: ("classical" in sheet.name, -sheet.stat().st_mtime)
    )  # of new weights first
    if not sheets:
        sys.exit(f"{folder} holds no picture of a demo. Run: anybone demo -o {folder}")
    with Image.open(sheets[0]) as sheet:
        height = round(sheet.height * WIDTH_PX / sheet.width)
        small = sheet.convert("RGB").resize((WIDTH_PX, height), Image.Resampling.LANCZOS)
    target.parent.mkdir(parents=True, exist_ok=True)
    small.quantize(palette=_palette(small), dither=Image.Dither.NONE).save(target, optimize=True)


def _palette(picture: Image.Image) -> Image.Image:
    """Grays, and the colors of outlines, which would drown among them otherwise."""
    pixels = np.asarray(picture).reshape(-1, 3)
    outlines = pixels[np.ptp(pixels, axis=1) > COLORED]
    hues = Image.fromarray(outlines[None]).quantize(HUES).getpalette() or [] if len(outlines) else []
    grays = np.repeat(np.linspace(0, 255, GRAYS).astype(np.uint8), 3).tolist()
    palette = Image.new("P", (1, 1))
    palette.putpalette(grays + hues[: 3 * HUES])
    return palette


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
