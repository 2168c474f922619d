"""SegmentOptions: every option of a segmentation, each with its reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from anybone.core.errors import UsageError

Preprocessing = Literal["default", "published"]

# Values of options left at None. "published" reproduces the published program; "default" corrects its weaknesses.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "upright": True,
        "keep_aspect": True,
        "smoothing_mm": 0.5,
        "smoothing_noise": 0.01,
        "upsampling": "linear",
        "adjacent_slice_weight": 0.4,
        "min_signal": 0.1,
        "min_component_mm3": 100.0,
        "max_hole_mm3": 500.0,
        "enforce_clicks": True,
    },
    "published": {
        "upright": False,
        "keep_aspect": False,
        "smoothing_mm": 0.0,
        "smoothing_noise": 0.0,
        "upsampling": "nearest",
        "adjacent_slice_weight": 0.0,
        "min_signal": 0.0,
        "min_component_mm3": 0.0,
        "max_hole_mm3": 0.0,
        "enforce_clicks": False,
    },
}


_AS_PRESET: Any = None
_MOST_SMOOTHING_MM = 5.0


@dataclass(frozen=True)
class SegmentOptions:
    """Options of a segmentation. Options that are not given have the value of the preset named by `preprocessing`.

    Attributes:
        preprocessing: "default", or "published" to reproduce the published program slice by slice: 8-bit slices, each
            stretched on its own, squashed to a square, no cleaning.
        axis: Array axis that slices are cut along; None selects the acquired one, which has the largest spacing
            ("published": the last one, as the published program assumes).
        upright: Whether slices are turned to the standard radiological view, head or front up, the patient's right on
            the left, as in training; files store them in any orientation. Without an orientation in the file, slices
            are used as stored.
        keep_aspect: Whether a slice keeps its proportions in mm inside the input frame. Squashing to a square
            distorts strongly anisotropic planes.
        smoothing_mm: Standard deviation of the Gaussian that smooths the slices of a noisy volume in the plane before
            the network sees them. A network trained on smooth synthetic marrow misses bone in grainy, sharp scans; see
            docs/explanation/preprocessing.md for what smoothing changes on each validation set. 0: none.
        smoothing_noise: Fine noise, as a fraction of the volume's range, from which a volume is smoothed: smooth ones
            lose by it.
        upsampling: "linear" enlarges the logits before the threshold, which gives smooth borders; "nearest" enlarges
            the thresholded mask's pixels, which gives stairs.
        threshold: Logit above which a voxel is bone; 0 is a probability of one half.
        adjacent_slice_weight: Weight of the two adjacent slices in a slice's logits in automatic segmentation: a
            structure that is unclear on one slice is often clear on the adjacent ones.
        min_signal: Slices whose bright tissue is below this fraction of the volume's range are skipped, since networks
            find false positives in noise.
        min_component_mm3: Smaller 3-D connected components are removed as speckle. 100 mm3 is less than the smallest
            carpal bone.
        max_hole_mm3: Smaller closed 3-D holes are filled: marrow and vessel channels are part of a bone.
        enforce_clicks: Whether a session corrects the network's mask at clicks that the network ignores.
        every: Encode every n-th slice only and interpolate logits between them; 2 halves the time.
        batch: Number of slices that are encoded together; one is fastest on a CPU.
        bfloat16: Encode in 16 bits: faster on processors that support it, slower on others, and less precise.
    """

    preprocessing: Preprocessing = "default"
    axis: int | None = None
    upright: bool = _AS_PRESET
    keep_aspect: bool = _AS_PRESET
    smoothing_mm: float = _AS_PRESET
    smoothing_noise: float = _AS_PRESET
    upsampling: Literal["linear", "nearest"] = _AS_PRESET
    threshold: float = 0.0
    adjacent_slice_weight: float = _AS_PRESET
    min_signal: float = _AS_PRESET
    min_component_mm3: float = _AS_PRESET
    max_hole_mm3: float = _AS_PRESET
    enforce_clicks: bool = _AS_PRESET
    every: int = 1
    batch: int = 1
    bfloat16: bool = False

    def __post_init__(self) -> None:
        if self.preprocessing not in PRESETS:
            raise UsageError(f"preprocessing is one of {', '.join(PRESETS)}; found {self.preprocessing!r}.")
        if self.axis not in (None, 0, 1, 2):
            raise UsageError(f"axis is 0, 1 or 2 (array axes i, j, k); found {self.axis!r}.")
        if self.every < 1 or self.batch < 1:
            raise UsageError(f"every and batch are at least 1; found {self.every} and {self.batch}.")
        if self.adjacent_slice_weight is not None and not 0 <= self.adjacent_slice_weight <= 1:
            raise UsageError(f"adjacent_slice_weight is a fraction, 0 to 1; found {self.adjacent_slice_weight}.")
        if self.smoothing_mm is not None and not 0 <= self.smoothing_mm <= _MOST_SMOOTHING_MM:
            raise UsageError(f"smoothing_mm is 0 to {_MOST_SMOOTHING_MM:g} mm; found {self.smoothing_mm}.")
        if self.preprocessing == "published" and self.smoothing_mm:
            raise UsageError("The published preprocessing does not smooth; leave smoothing_mm out.")
        if self.preprocessing == "published" and self.keep_aspect:
            raise UsageError("The published preprocessing squashes slices to a square; leave keep_aspect out.")
        for name, value in PRESETS[self.preprocessing].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as a dictionary of plain values."""
        return asdict(self)
