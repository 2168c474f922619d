from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anybone.core.errors import GeometryError, WriteError
from anybone.core.geometry import Geometry
from anybone.core.labels import BONES
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Source, Volume
from anybone.export import EXPORTERS, write_preview
from anybone.export.contact_sheet import PAGE_WIDTH, choose_slices, grid_for
from anybone.export.outline import draw_outline

AMBER = np.array(BONES["bone"].color_rgb)


def case(shape=(40, 50, 20), spacing=(1.0, 1.0, 4.0), bone=True) -> tuple[Volume, Segmentation]:
    geometry = Geometry(shape, np.diag([*spacing, 1.0]))
    data = np.random.default_rng(0).normal(100, 5, shape).astype(np.float32)
    labels = np.zeros(shape, dtype=np.uint16)
    if bone:
        middle = tuple(slice(n // 4, n // 4 + max(1, n // 2)) for n in shape)
        labels[middle] = 1
    return Volume(data, geometry, Source(path=Path("leg.nii.gz"))), Segmentation(labels, geometry)


def saved(volume: Volume, segmentation: Segmentation, folder: Path) -> np.ndarray:
    write_preview(volume, segmentation, folder / "preview.png")
    with Image.open(folder / "preview.png") as page:
        return np.asarray(page)


def amber_pixels(page: np.ndarray) -> int:
    return int((np.abs(page.astype(int) - AMBER).max(axis=-1) < 30).sum())


def test_a_preview_outlines_what_it_found(tmp_path):
    page = saved(*case(), tmp_path)
    assert page.shape[1] == PAGE_WIDTH
    assert amber_pixels(page) > 5000
    # lines, not areas: the image stays visible beneath the mask
    assert amber_pixels(page) < 0.05 * page[..., 0].size


def test_an_empty_mask_says_so_and_has_no_legend(tmp_path):
    found, empty = saved(*case(), tmp_path), saved(*case(bone=False), tmp_path)
    assert len(empty) < len(found)
    assert 50 < amber_pixels(empty) < 5000  # the words "no bone found" are amber


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((30, 30, 1), (1, 1, 5)),
        ((1, 30, 40), (5, 1, 1)),
        ((60, 6, 10), (0.5, 8, 0.5)),
        ((400, 4, 9), (1, 1, 10)),
        ((3, 300, 3), (1, 1, 1)),
        ((1, 1, 1), (1, 1, 1)),
    ],
)
def test_odd_shapes_give_a_picture(tmp_path, shape, spacing):
    page = saved(*case(shape, spacing), tmp_path)
    assert page.shape[1] == PAGE_WIDTH
    assert 60 < len(page) < 6000


def test_an_oblique_constant_volume_gives_a_picture(tmp_path):
    affine = np.array([[0.8, -0.6, 0, 3], [0.6, 0.8, 0, -2], [0, 0.1, 4, 1], [0, 0, 0, 1.0]])
    geometry = Geometry((20, 20, 5), affine)
    labels = np.zeros((20, 20, 5), dtype=np.uint16)
    labels[5:9, 5:9] = 1
    page = saved(Volume(np.full((20, 20, 5), 7, np.float32), geometry), Segmentation(labels, geometry), tmp_path)
    assert amber_pixels(page) > 500


def test_another_axis_can_be_shown(tmp_path):
    volume, segmentation = case()
    write_preview(volume, segmentation, tmp_path / "axial.png")
    write_preview(volume, segmentation, tmp_path / "sagittal.png", axis=0)
    assert (tmp_path / "axial.png").read_bytes() != (tmp_path / "sagittal.png").read_bytes()


def test_true_proportions():
    wide = grid_for(1, aspect=4.0)
    assert wide.tile_width / wide.tile_height == pytest.approx(4, rel=0.01)
    tall = grid_for(12, aspect=0.5)
    assert tall.tile_width / tall.tile_height == pytest.approx(0.5, rel=0.02)
    assert tall.columns * tall.rows == 12


def test_most_slices_are_those_with_bone():
    has_bone = np.zeros(100, dtype=bool)
    has_bone[40:60] = True
    chosen = choose_slices(has_bone)
    assert len(chosen) == 12
    assert chosen == sorted(set(chosen))
    assert sum(has_bone[i] for i in chosen) == 10
    assert choose_slices(np.zeros(30, dtype=bool), 3) == [5, 15, 25]
    assert choose_slices(np.ones(4, dtype=bool)) == [0, 1, 2, 3]
    assert len(choose_slices(np.arange(50) == 7)) == 12


def test_an_outline_follows_the_border_and_leaves_the_rest():
    picture = np.full((100, 100, 3), 128, dtype=np.float32)
    mask = np.zeros((10, 10), dtype=bool)
    mask[2:8, 2:8] = True
    draw_outline(picture, mask, (255, 176, 0), 2)
    assert picture[50, 20] == pytest.approx((255, 176, 0), abs=30)  # the border, at 2 of 10 rows
    assert picture[50, 79] == pytest.approx((255, 176, 0), abs=30)
    assert (picture[40:60, 40:60] == 128).all()
    assert (picture[:10] == 128).all()


@pytest.mark.parametrize("size", [(7, 7), (90, 40), (300, 300)])
def test_one_voxel_is_outlined_at_any_size(size):
    picture = np.zeros((*size, 3), dtype=np.float32)
    mask = np.zeros((30, 30), dtype=bool)
    mask[15, 15] = True
    draw_outline(picture, mask, (255, 176, 0), 1.8)
    assert picture[..., 0].max() > 60


def test_a_mask_of_another_grid_is_refused(tmp_path):
    with pytest.raises(GeometryError, match="does not lie on the volume's grid"):
        write_preview(case()[0], case((40, 50, 19))[1], tmp_path / "preview.png")


def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"):
        write_preview(*case(), tmp_path / "file" / "preview.png")


def test_every_exporter_writes_something(tmp_path):
    for name, export in EXPORTERS.items():
        if name != "dicom_seg":  # which needs DICOM images
            export(*case(), tmp_path / f"{name}.out")
    assert {p.suffix for p in tmp_path.iterdir()} == {".out", ".json", ".csv"}
