"""Makes the pictures of synthetic MRI: python docs/anatomy_pictures.py docs/img/anatomy (minutes; anybone[anatomy])."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from anybone.core.segmentation import Segmentation
from anybone.synthetic.drawing import draw
from anybone.synthetic.example_knee import SERIES, example_knee
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.regions import REGIONS
from anybone.synthetic.scanner import Series, scan
from anybone.synthetic.tissue import Tissue

TILE_PX, LABEL_PX = 240, 18
COLORS = 64  # a picture, not data: more would only make the files larger
SEED = 4  # of the people in the picture of the regions
SCAN_SEED = 8
COARSE_MM = 1.1  # of their anatomy: quick, and enough for a tile

TISSUE_COLORS: Mapping[Tissue, tuple[int, int, int]] = {
    Tissue.SKIN: (214, 168, 140), Tissue.FAT: (240, 220, 150), Tissue.FASCIA: (150, 140, 130),
    Tissue.MUSCLE: (170, 70, 70), Tissue.TENDON: (225, 225, 235), Tissue.LIGAMENT: (190, 200, 220),
    Tissue.VESSEL: (70, 80, 200), Tissue.NERVE: (230, 210, 60), Tissue.CORTEX: (255, 255, 255),
    Tissue.YELLOW_MARROW: (250, 190, 60), Tissue.RED_MARROW: (210, 100, 60), Tissue.PHYSIS_SCAR: (120, 70, 40),
    Tissue.GROWTH_CARTILAGE: (120, 220, 200), Tissue.CARTILAGE: (110, 190, 240), Tissue.MENISCUS: (60, 120, 180),
    Tissue.FLUID: (90, 240, 240), Tissue.EDEMA: (220, 120, 220), Tissue.LESION: (160, 60, 200),
}  # fmt: skip

Tile = tuple[str, NDArray[np.uint8]]  # what is written above it, "row column 3"


def main(folder: Path) -> None:
    """Write stages.png, sequences.png, scanner.png and regions.png."""
    folder.mkdir(parents=True, exist_ok=True)
    knee = example_knee()
    _write(_stages(knee), 4, folder / "stages.png")
    _write(_sequences(knee), 4, folder / "sequences.png")
    _write(_scanner(knee), 4, folder / "scanner.png")
    _write([_region(name) for name in REGIONS], 5, folder / "regions.png")


def _stages(knee: LabelMap) -> list[Tile]:
    """One slice as bones, as tissues, as an image, and with the truth that goes with it."""
    volume, truth = scan(knee, "t1", "sagittal", SCAN_SEED, SERIES)
    k = _fullest(truth)
    center_mm = truth.geometry.to_world(np.array([truth.labels.shape[0] / 2, truth.labels.shape[1] / 2, k]))
    across = int(np.clip(knee.geometry.to_voxel(center_mm)[0].round(), 0, len(knee.bone) - 1))
    bones = _colored(np.rot90(knee.bone[across, ::-1]), {number: _hue(number) for number in knee.names})
    tissues = _colored(np.rot90(knee.tissue[across, ::-1]), {int(t): c for t, c in TISSUE_COLORS.items()})
    image = _gray(volume.data[..., k].T)
    outlined = image.copy()
    outlined[_edges(truth.labels[..., k].T)] = (255, 220, 60)
    return [("bones, posed", bones), ("tissues", tissues), ("contrast and scanner", image), ("and the truth", outlined)]


def _sequences(knee: LabelMap) -> list[Tile]:
    names = ("t1", "pd", "pd-fs", "t2-fs", "stir", "gre", "dixon-water", "mixture")
    return [(name, _scan(knee, name, "sagittal", SCAN_SEED, SERIES)) for name in names]


def _scanner(knee: LabelMap) -> list[Tile]:
    """Render one knee with random contrasts and scanner effects."""
    thick = Series(pixel_mm=1.1, thickness_mm=6, gap_mm=1, field_t=1.5)
    return [
        ("coronal", _scan(knee, "pd-fs", "coronal", 2, SERIES)),
        ("axial", _scan(knee, "pd-fs", "axial", 2, SERIES)),
        ("6 mm slices", _scan(knee, "pd", "sagittal", 5, thick)),
        *((f"seed {seed}", _scan(knee, "t2-fs", "sagittal", seed, Series())) for seed in (11, 12, 13)),
        *((f"mixture, seed {seed}", _scan(knee, "mixture", "sagittal", seed, Series())) for seed in (21, 22)),
    ]


def _region(name: str) -> Tile:
    region = REGIONS[name]
    plane = max(region.planes, key=lambda plane: region.planes[plane])
    return name, _scan(draw(name, SEED, spacing_mm=COARSE_MM), "t1", plane, 1, SERIES)


def _scan(label_map: LabelMap, sequence: str, plane: str, seed: int, series: Series) -> NDArray[np.uint8]:
    volume, truth = scan(label_map, sequence, plane, seed, series)
    return _gray(volume.data[..., _fullest(truth)].T)


def _fullest(truth: Segmentation) -> int:
    """Return the slice with the most bones and the largest area of them."""
    counts = np.stack([(truth.labels == number).sum(axis=(0, 1)) for number in truth.names])
    seen = (counts > 0.2 * counts.max(axis=1, keepdims=True)).sum(axis=0)
    return int(np.lexsort((counts.sum(axis=0), seen))[-1])


def _gray(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = np.percentile(image, (1, 99.5))
    level = (np.clip((image - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=2)


def _colored(labels: NDArray[np.integer], colors: Mapping[int, tuple[int, int, int]]) -> NDArray[np.uint8]:
    picture = np.zeros((*labels.shape, 3), dtype=np.uint8)
    for label, color in colors.items():
        picture[labels == label] = color
    return picture


def _hue(number: int) -> tuple[int, int, int]:
    return ((250, 210, 120), (150, 220, 150), (130, 180, 250), (240, 150, 170))[number % 4]


def _edges(labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Pixels of a bone beside something else."""
    padded = np.pad(labels, 1, mode="edge")
    neighbors = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return (labels > 0) & np.any([labels != other for other in neighbors], axis=0)


def _write(tiles: Sequence[Tile], columns: int, path: Path) -> None:
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * TILE_PX, rows * (TILE_PX + LABEL_PX)))
    pen = ImageDraw.Draw(sheet)
    for number, (text, picture) in enumerate(tiles):
        x, y = number % columns * TILE_PX, number // columns * (TILE_PX + LABEL_PX)
        image = Image.fromarray(np.ascontiguousarray(picture))
        image.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
        if max(image.size) < TILE_PX:
            scale = TILE_PX / max(image.size)
            image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
        sheet.paste(image, (x + (TILE_PX - image.width) // 2, y + LABEL_PX + (TILE_PX - image.height) // 2))
        pen.text((x + 6, y + 3), text, fill=(220, 220, 220))
    sheet.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
