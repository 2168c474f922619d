"""Looking at a volume and its bones in a notebook."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anybone import io
from anybone.core.errors import MissingExtraError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume

if TYPE_CHECKING:
    from ipyniivue import NiiVue

_DARKEST, _BRIGHTEST = 1.0, 99.5  # percentiles of gray that are drawn black and white


def view(volume: Volume, bones: Segmentation | None = None, *, opacity: float = 0.5, height: int = 480) -> NiiVue:
    """Return a widget that shows the volume in three planes and in 3-D with colored bones.

    A notebook displays it as the last value of a cell. It works offline.

    Args:
        volume: The image.
        bones: What is laid over it.
        opacity: Of the bones, 0..1.
        height: Of the widget, in pixels.

    Raises:
        MissingExtraError: ipyniivue is not installed.
    """
    try:
        from ipyniivue import NiiVue, SliceType
        from ipyniivue import Volume as Layer
    except ImportError as error:
        raise MissingExtraError("Looking at a volume in a notebook", "notebook") from error

    darkest, brightest = np.percentile(volume.data, (_DARKEST, _BRIGHTEST)).tolist()
    layers = [
        Layer(
            name="volume.nii.gz",
            data=_nifti(volume),
            colormap="gray",
            cal_min=darkest,
            cal_max=brightest if brightest > darkest else darkest + 1,
            colorbar_visible=False,
        )
    ]
    if bones is not None:
        layer = Layer(name="bones.nii.gz", data=_nifti(bones), opacity=opacity, colorbar_visible=False)
        layer.set_colormap_label(_colors(bones))
        layers.append(layer)
    widget = NiiVue(height=height)
    widget.set_slice_type(SliceType.MULTIPLANAR)
    widget.load_volumes(layers)
    return widget


def _nifti(image: Volume | Segmentation) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.nii.gz"
        io.write(image, path)
        return path.read_bytes()


def _colors(bones: Segmentation) -> dict[str, Any]:
    """Color and name of every number up to the largest label; 0, and what has no name, is clear."""
    numbers = range(max(bones.names, default=0) + 1)
    colors = [bones.color(n) if n in bones.names else (0, 0, 0) for n in numbers]
    red, green, blue = ([c[channel] for c in colors] for channel in range(3))
    return {
        "R": red,
        "G": green,
        "B": blue,
        "A": [255 if n in bones.names else 0 for n in numbers],
        "I": list(numbers),
        "min": 0,
        "max": numbers[-1],
        "labels": [bones.names.get(n, "") for n in numbers],
    }
