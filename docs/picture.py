"""Makes the picture of the README from what `anybone demo` left: python docs/picture.py DEMO_FOLDER OUT.png"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

WIDTH_PX = 1000
COLOURS = 64  # grey tissue, a few outlines: more colours would only make the file larger


def main(folder: Path, target: Path) -> None:
    """Writes the demo's contact sheet (the weights' where there are any, else the classical method's), smaller."""
    sheets = sorted(folder.glob("made_knee_*_bones.png"))
    if not sheets:
        sys.exit(f"{folder} holds no picture of a demo. Run: anybone demo -o {folder}")
    with Image.open(sheets[0]) as sheet:  # "anybone-0.1" comes before "cortex"
        height = round(sheet.height * WIDTH_PX / sheet.width)
        small = sheet.convert("RGB").resize((WIDTH_PX, height), Image.Resampling.LANCZOS)
    target.parent.mkdir(parents=True, exist_ok=True)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
