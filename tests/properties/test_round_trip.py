"""A mask keeps the world position of every labeled voxel, in every orientation, spacing, obliquity and format."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.io import read, read_segmentation, write

TOLERANCE_MM = 1e-3
SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
ORIENTATIONS = [
    np.eye(3)[:, list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]


def turn(x: float, y: float, z: float) -> np.ndarray:
    """Rotation matrix by three angles in radians."""
    (cx, cy, cz), (sx, sy, sz) = np.cos([x, y, z]), np.sin([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def affine_of(
    orientation: np.ndarray, angles: tuple[float, ...], spacing: tuple[float, ...], origin: tuple[float, ...]
):
    affine = np.eye(4)
    affine[:3, :3] = turn(*angles) @ orientation @ np.diag(spacing)
    affine[:3, 3] = origin
    return affine


def mask_of(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """uint16 labels; every labeled voxel has a number of its own, so that none can change places unseen."""
    rng = np.random.default_rng(seed)
    chosen = rng.random(shape) < 0.4
    chosen[tuple(n // 2 for n in shape)] = True
    labels = np.zeros(shape, dtype=np.uint16)
    labels[chosen] = 1 + rng.permutation(int(chosen.sum()))
    return labels


def world_of_labels(labels: np.ndarray, geometry: Geometry) -> np.ndarray:
    """World mm of each labeled voxel, shape (n, 3), in the order of label numbers."""
    where = np.argwhere(labels > 0)
    return geometry.to_world(where[np.argsort(labels[tuple(where.T)])])


def assert_same_places(labels: np.ndarray, affine: np.ndarray, back: np.ndarray, geometry: Geometry) -> None:
    expected = world_of_labels(labels, Geometry(labels.shape, affine))
    found = world_of_labels(back.astype(np.int64), geometry)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= TOLERANCE_MM


def through_file(labels: np.ndarray, affine: np.ndarray, suffix: str, folder: Path) -> None:
    geometry = Geometry(labels.shape, affine)
    names = {int(n): f"bone {n}" for n in np.unique(labels) if n}
    write(Segmentation(labels, geometry, names), folder / f"mask{suffix}")
    back = read_segmentation(folder / f"mask{suffix}")
    assert np.array_equal(back.labels, labels)  # no reorientation: the same array, too
    assert back.geometry.matches(geometry, TOLERANCE_MM)
    assert dict(back.names) == names
    assert_same_places(labels, affine, back.labels, back.geometry)


def through_dicom(labels: np.ndarray, affine: np.ndarray, folder: Path, write_series: Callable[..., object]) -> None:
    """DICOM in, then a mask made on that grid out as NIfTI."""
    write_series(
        folder / "series" / "one.dcm" if "enhanced" in write_series.__name__ else folder / "series", labels, affine
    )
    volume = read(folder / "series")
    assert_same_places(labels, affine, volume.data, volume.geometry)
    through_file(volume.data.astype(np.uint16), volume.geometry.affine_ras_mm, ".nii.gz", folder)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.2, -0.15, 0.35)], ids=["straight", "oblique"])
def test_48_orientations_through_files(tmp_path, suffix, angles):
    for n, orientation in enumerate(ORIENTATIONS):
        affine = affine_of(orientation, angles, (0.6, 0.8, 3.3), (-71.3, 12.8, 403.6))
        through_file(mask_of((5, 4, 3), n), affine, suffix, tmp_path)


@pytest.mark.parametrize("kind", ["write_classic", "write_enhanced"])
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.2, -0.15, 0.35)], ids=["straight", "oblique"])
def test_48_orientations_through_dicom(tmp_path, dicom_files, kind, angles):
    for n, orientation in enumerate(ORIENTATIONS):
        affine = affine_of(orientation, angles, (0.6, 0.8, 3.3), (-71.3, 12.8, 403.6))
        through_dicom(mask_of((5, 4, 3), n), affine, tmp_path / str(n), getattr(dicom_files, kind))


angle = st.floats(-0.7, 0.7)
millimeters = st.floats(0.2, 8.0)
offset = st.floats(-600.0, 600.0)
grids = st.builds(
    affine_of,
    st.sampled_from(ORIENTATIONS),
    st.tuples(angle, angle, angle),
    st.tuples(millimeters, millimeters, millimeters),
    st.tuples(offset, offset, offset),
)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5))


@settings(max_examples=80, deadline=None)
@given(affine=grids, shape=shapes, seed=st.integers(0, 1000), suffix=st.sampled_from(SUFFIXES))
def test_any_grid_through_files(affine, shape, seed, suffix):
    with tempfile.TemporaryDirectory() as folder:
        through_file(mask_of(shape, seed), affine, suffix, Path(folder))


@settings(max_examples=40, deadline=None)
@given(affine=grids, shape=shapes, seed=st.integers(0, 1000), kind=st.sampled_from(["write_classic", "write_enhanced"]))
def test_any_grid_through_dicom(dicom_files, affine, shape, seed, kind):
    with tempfile.TemporaryDirectory() as folder:
        through_dicom(mask_of(shape, seed), affine, Path(folder), getattr(dicom_files, kind))


@settings(max_examples=20, deadline=None)
@given(affine=grids, lean=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)), seed=st.integers(0, 1000))
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sheared_grids_keep_every_place(suffix, affine, lean, seed):
    matrix = affine[:3, :3]
    unit = matrix / np.linalg.norm(matrix, axis=0)
    affine[:3, 2] += (unit[:, 0] * lean[0] + unit[:, 1] * lean[1]) * np.linalg.norm(matrix[:, 2])
    labels = mask_of((4, 5, 3), seed)
    with tempfile.TemporaryDirectory() as folder:
        through_file(labels, affine, suffix, Path(folder))


@settings(max_examples=30, deadline=None)
@given(affine=grids, seed=st.integers(0, 1000), first=st.sampled_from(SUFFIXES), second=st.sampled_from(SUFFIXES))
def test_converting_changes_nothing(affine, seed, first, second):
    data = np.random.default_rng(seed).normal(size=(4, 3, 5)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        write(Volume(data, Geometry(data.shape, affine)), Path(folder, f"a{first}"))
        write(read(Path(folder, f"a{first}")), Path(folder, f"b{second}"))
        back = read(Path(folder, f"b{second}"))
    assert np.array_equal(back.data, data)
    assert back.geometry.matches(Geometry(data.shape, affine), TOLERANCE_MM)
