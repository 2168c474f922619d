"""Segmenter: the nine steps read -> normalize -> attend -> cut -> encode -> fuse -> decode -> stitch -> write.

| step | function |
| --- | --- |
| 1 read | `anybone.read` |
| 2 normalize | `preprocessing.normalize` |
| 3 attend | `attention.attend` |
| 4 cut | `slicing.cut` |
| 5 encode, 6 fuse | `embeddings.embed` |
| 7 decode | `decoding.decode` |
| 8 stitch | `slicing.to_slice_grid`, `postprocessing.clean` |
| 9 write | `anybone.write` |
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from anybone.core.progress import Clock, Progress
from anybone.core.segmentation import Provenance, Segmentation
from anybone.core.volume import Volume
from anybone.inference.bone_labeling import BoneLabeler
from anybone.inference.decoding import decode
from anybone.inference.device import has_bfloat16
from anybone.inference.embeddings import embed
from anybone.inference.input_checks import check_input
from anybone.inference.options import SegmentOptions
from anybone.inference.postprocessing import average_adjacent_slices, clean, empty_logits, interpolate_slices
from anybone.inference.preprocessing import PreparedVolume, prepare
from anybone.inference.quality import QualityEstimator
from anybone.inference.slicing import to_slice_grid
from anybone.models.network import Network, device_of
from anybone.version import __version__

if TYPE_CHECKING:
    from anybone.interactive.session import Session


class Segmenter:
    """A network that is ready to segment volumes.

    Attributes:
        model: The network in evaluation mode; tensors in, tensors out.
        name: Name of the checkpoint or method.
        weights_sha256: Hash of the weights; None for a method without weights.
        quality_estimator: Calibration and expected quality of its masks.
    """

    def __init__(
        self,
        model: Network,
        *,
        name: str,
        weights_sha256: str | None = None,
        quality_estimator: QualityEstimator | None = None,
    ) -> None:
        self.model = model
        self.name = name
        self.weights_sha256 = weights_sha256
        self.quality_estimator = quality_estimator or QualityEstimator()

    @cached_property
    def inference_model(self) -> Network:
        """Copy of the network that computes the same faster; see docs/explanation/speed.md."""
        return self.model.inference_copy()

    @torch.inference_mode()
    def segment(
        self, volume: Volume, options: SegmentOptions | None = None, *, progress: Progress | None = None
    ) -> Segmentation:
        """Segment all bone in a volume, as label 1, or as named bones if the weights distinguish them.

        Args:
            volume: The image.
            options: Options of the run; the defaults suit any MRI.
            progress: Called with (step, done, total).

        Returns:
            Labels on the volume's own grid.
        """
        options = options or SegmentOptions()
        clock = Clock(progress)
        prepared = prepare(self.inference_model, volume, options, clock)
        logits, quality, labeler = self._decode_slices(prepared, clock)
        with clock.step("stitch"):
            above = logits > options.threshold
            mask = clean(
                above,
                volume.geometry.voxel_volume_mm3,
                min_component_mm3=options.min_component_mm3,
                max_hole_mm3=options.max_hole_mm3,
            )
            labels = labeler.label(mask, prepared.axis)
            probability = self.quality_estimator.calibration.probability(logits)
            warnings = check_input(volume, prepared.normalized, prepared.axis)
            confidence = self.quality_estimator.confidence(probability, mask, prepared.axis, warnings)
        notes = _notes(volume, above, mask, prepared.nonempty_slices, options, device_of(self.model))
        return Segmentation(
            labels,
            volume.geometry,
            labeler.names,
            scores=_scores(labeler.names, quality, mask, prepared.axis),
            provenance=self.provenance(volume, options, clock, (*notes, *confidence.warnings)),
            probability=probability,
            confidence=confidence,
            source=volume.source,
        )

    @torch.inference_mode()
    def logits(self, volume: Volume, options: SegmentOptions | None = None) -> NDArray[np.float32]:
        """Return logits of bone "i j k" on the volume's own grid, before threshold, cleaning and calibration."""
        clock = Clock()
        return self._decode_slices(prepare(self.inference_model, volume, options or SegmentOptions(), clock), clock)[0]

    def _decode_slices(
        self, prepared: PreparedVolume, clock: Clock
    ) -> tuple[NDArray[np.float32], dict[int, float], BoneLabeler]:
        """Run steps 5 to 8, and return logits "i j k", the predicted IoU of the encoded slices, and bone labels."""
        options = prepared.options
        nonempty = np.flatnonzero(prepared.nonempty_slices).tolist()
        encoded = sorted({*nonempty[:: options.every], *nonempty[-1:]})

        logits = empty_logits(tuple(prepared.normalized.shape))
        slices = np.moveaxis(logits, prepared.axis, 0)
        quality: dict[int, float] = {}
        labeler = BoneLabeler(self.inference_model, slices.shape)
        for start in range(0, len(encoded), options.batch):
            batch = encoded[start : start + options.batch]
            embeddings = embed(self.inference_model, prepared, batch, clock)
            for index, embedding in zip(batch, torch.split(embeddings, 1), strict=True):
                frame = prepared.frames[index]
                with clock.step("decode"):
                    mask_logits, quality[index] = decode(self.inference_model, embedding, frame)
                    labeler.add_slice(embedding, frame)
                with clock.step("stitch"):
                    slices[index] = to_slice_grid(mask_logits, frame, options.upsampling)
            clock.progress("encode", start + len(batch), len(encoded))

        with clock.step("stitch"):
            interpolate_slices(slices, encoded, nonempty)
            average_adjacent_slices(slices, nonempty, options.adjacent_slice_weight)
        return logits, quality, labeler

    def session(self, volume: Volume, options: SegmentOptions | None = None) -> Session:
        """Open a session: prompts on a volume, one after the other."""
        from anybone.interactive.session import Session  # the only upward import: docs/decisions/0015

        chosen = options or SegmentOptions()

        def describe(clock: Clock) -> Provenance:
            return self.provenance(volume, chosen, clock, volume.source.notes)

        return Session(self.inference_model, volume, chosen, describe, self.quality_estimator)

    def provenance(
        self, volume: Volume, options: SegmentOptions, clock: Clock, warnings: tuple[str, ...]
    ) -> Provenance:
        """Return the record of how a result was made."""
        return Provenance(
            version=__version__,
            method=self.name,
            weights_sha256=self.weights_sha256,
            device=device_of(self.model).type,
            options=options.to_dict(),
            timings_s=clock.rounded(),
            warnings=warnings,
            source=str(volume.source.path or ""),
        )


def _scores(names: dict[int, str], quality: dict[int, float], mask: NDArray[np.bool_], axis: int) -> dict[int, float]:
    """Return the mean predicted IoU of the slices with bone, for every label."""
    with_bone = np.flatnonzero(np.moveaxis(mask, axis, 0).any((1, 2))).tolist()
    known = [quality[k] for k in with_bone if k in quality]
    return dict.fromkeys(names, float(np.clip(np.mean(known), 0, 1))) if known else {}


def _notes(
    volume: Volume,
    above: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    nonempty: NDArray[np.bool_],
    options: SegmentOptions,
    device: torch.device,
) -> tuple[str, ...]:
    """Return what the user should know of a run: notes of the reader, skipped slices, an empty mask."""
    notes = list(volume.source.notes)
    if options.bfloat16 and not has_bfloat16(device):
        notes.append("This processor emulates bfloat16: inference is faster without that option.")
    if not nonempty.all():
        notes.append(f"Skipped {int((~nonempty).sum())} of {nonempty.size} slices that contain no signal.")
    if not mask.any():
        notes.append("No bone was found. Look at the picture (--preview), or point at a bone (--point).")
    if above.any() and not mask.any():
        volume_mm3 = int(above.sum()) * volume.geometry.voxel_volume_mm3
        notes.append(
            f"Removed {volume_mm3:.3g} mm3 of bone in connected components smaller than {options.min_component_mm3:g} "
            "mm3. Lower --min-component-mm3 to keep them."
        )
    return tuple(notes)
