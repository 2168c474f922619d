"""SegmentOptions: every choice on a volume's way, each with its reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from anybone.core.errors import UsageError

Preprocessing = Literal["default", "published"]

# What an option left at None becomes. "published" repeats the published program; "default" mends what is weak in it.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "upright": True,
        "keep_aspect": True,
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
        "upsampling": "nearest",
        "adjacent_slice_weight": 0.0,
        "min_signal": 0.0,
        "min_component_mm3": 0.0,
        "max_hole_mm3": 0.0,
        "enforce_clicks": False,
    },
}


_AS_PRESET: Any = None


@dataclass(frozen=True)
class SegmentOptions:
    """How a volume is segmented. What is not given is as the preset named by `preprocessing` has it.

    Attributes:
        preprocessing: "default", or "published" to reproduce the published program slice by slice: 8-bit slices, each
            stretched on its own, squashed to a square, no cleaning.
        axis: The array axis that slices are cut along; None takes the acquired one, which has the largest spacing
            ("published": the last one, as the published program assumes).
        upright: Whether the network sees slices as people look at them, head or front up, the patient's right on the
            left, as it was taught; they lie in files in any way. Where a file does not say how it lies, they stay as
            they are stored.
        keep_aspect: Whether a slice keeps its proportions in mm inside the input frame. Squashing to a square
            distorts strongly anisotropic planes.
        upsampling: "linear" enlarges the logits before the threshold, which gives smooth borders; "nearest" enlarges
            the thresholded mask's pixels, which gives stairs.
        threshold: Logit above which a voxel is bone; 0 is a probability of one half.
        adjacent_slice_weight: Weight of the two adjacent slices in a slice's logits in automatic segmentation: what one
            slice shows badly its neighbors often show well.
        min_signal: Slices whose bright tissue stays below this share of the volume's are skipped, since noise alone
            makes a network imagine bone.
        min_component_mm3: Smaller 3-D pieces are dropped as speckle. 100 mm3 is less than the smallest carpal bone.
        max_hole_mm3: Smaller closed 3-D holes are filled: marrow and vessel channels are part of a bone.
        enforce_clicks: Whether a session bends what the network answers around clicks that it leaves unheeded.
        every: Encode every n-th slice only and interpolate logits between them; 2 halves the time.
        batch: Slices that are encoded together; one is fastest on a CPU.
        bfloat16: Encode in 16 bits: sooner on processors that compute in them, slower on others, and rounder.
    """

    preprocessing: Preprocessing = "default"
    axis: int | None = None
    upright: bool = _AS_PRESET
    keep_aspect: bool = _AS_PRESET
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
        if self.preprocessing == "published" and self.keep_aspect:
            raise UsageError("The published preprocessing squashes slices to a square; leave keep_aspect out.")
        for name, value in PRESETS[self.preprocessing].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)
