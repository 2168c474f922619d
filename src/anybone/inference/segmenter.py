"""Segmenter: a volume's whole way, read -> normalize -> attend -> cut -> encode -> fuse -> decode -> stitch -> write.

Reading and writing are `anybone.io`'s; the seven steps between are here and, with their reasons, in the modules that
they are imported from.
"""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from anybone.core.segmentation import Provenance, Segmentation
from anybone.core.volume import Volume
from anybone.inference.bone_labeling import Namer
from anybone.inference.cleanup import clean
from anybone.inference.decoding import decode
from anybone.inference.device import has_bfloat16
from anybone.inference.input_checks import doubts_about
from anybone.inference.options import SegmentOptions
from anybone.inference.postprocessing import empty_logits, fill_between, mix_adjacent_slices, to_slice
from anybone.inference.preprocessing import Prepared, device_of, embed, prepare
from anybone.inference.progress import Clock, Progress
from anybone.inference.quality import QualityEstimator
from anybone.models.bone_sam import BoneSam
from anybone.models.network import Network
from anybone.version import __version__

if TYPE_CHECKING:
    from anybone.interactive.session import Session


class Segmenter:
    """A network that is ready to segment volumes.

    Attributes:
        model: The network itself, in evaluation mode; tensors in, tensors out.
        name: Of the checkpoint or method.
        weights_sha256: Hash of the weights; None for a method without any.
        quality_estimator: What its answers are worth.
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
        """A copy of the network that gives the same answers sooner; see docs/explanation/speed.md."""
        return copy.deepcopy(self.model).for_inference() if isinstance(self.model, BoneSam) else self.model

    @torch.inference_mode()
    def segment(
        self, volume: Volume, options: SegmentOptions | None = None, *, progress: Progress | None = None
    ) -> Segmentation:
        """All bone in a volume, on the volume's own grid: as label 1, or by name where the weights tell bones apart.

        Args:
            volume: The image.
            options: How; the defaults suit any MRI.
            progress: Called with (step, done, total) along the way.
        """
        options = options or SegmentOptions()
        clock = Clock(progress)
        prepared = prepare(self.inference_model, volume, options, clock)
        logits, quality, namer = self._look(prepared, clock)
        with clock.step("stitch"):
            mask = clean(
                logits > options.threshold,
                volume.geometry.voxel_volume_mm3,
                min_component_mm3=options.min_component_mm3,
                max_hole_mm3=options.max_hole_mm3,
            )
            labels = namer.label(mask, prepared.axis)
            probability = self.quality_estimator.calibration.probability(logits)
            doubts = doubts_about(volume, prepared.normalized, prepared.axis)
            confidence = self.quality_estimator.confidence(probability, mask, prepared.axis, doubts)
        with_bone = np.flatnonzero(np.moveaxis(mask, prepared.axis, 0).any((1, 2))).tolist()
        known = [quality[k] for k in with_bone if k in quality]
        scores = dict.fromkeys(namer.names, float(np.clip(np.mean(known), 0, 1))) if known else {}
        remarks = (
            *_remarks(volume, mask, prepared.nonempty_slices, options, device_of(self.model)),
            *confidence.doubts,
        )
        return Segmentation(
            labels,
            volume.geometry,
            namer.names,
            scores=scores,
            provenance=self.provenance(volume, options, clock, remarks),
            probability=probability,
            confidence=confidence,
            source=volume.source,
        )

    @torch.inference_mode()
    def logits(self, volume: Volume, options: SegmentOptions | None = None) -> NDArray[np.float32]:
        """Logits of bone "i j k" on the volume's own grid, before threshold, cleaning and calibration."""
        clock = Clock()
        return self._look(prepare(self.inference_model, volume, options or SegmentOptions(), clock), clock)[0]

    def _look(self, prepared: Prepared, clock: Clock) -> tuple[NDArray[np.float32], dict[int, float], Namer]:
        """Steps 5 to 8 as far as logits "i j k", the network's estimate of its IoU on slices it saw, and names."""
        options = prepared.options
        nonempty = np.flatnonzero(prepared.nonempty_slices).tolist()
        encoded = sorted({*nonempty[:: options.every], *nonempty[-1:]})

        logits = empty_logits(tuple(prepared.normalized.shape))
        slices = np.moveaxis(logits, prepared.axis, 0)
        quality: dict[int, float] = {}
        namer = Namer(self.inference_model, slices.shape)
        for start in range(0, len(encoded), options.batch):
            batch = encoded[start : start + options.batch]
            embeddings = embed(self.inference_model, prepared, batch, clock)
            for index, embedding in zip(batch, torch.split(embeddings, 1), strict=True):
                frame = prepared.frames[index]
                with clock.step("decode"):
                    mask_logits, quality[index] = decode(self.inference_model, embedding, frame)
                    namer.look(embedding, frame)
                with clock.step("stitch"):
                    slices[index] = to_slice(mask_logits, frame, options.upsampling)
            clock.progress("encode", start + len(batch), len(encoded))

        with clock.step("stitch"):
            fill_between(slices, encoded, nonempty)
            mix_adjacent_slices(slices, nonempty, options.adjacent_slice_weight)
        return logits, quality, namer

    def session(self, volume: Volume, options: SegmentOptions | None = None) -> Session:
        """Return a session in which prompts are added to a volume, one after the other."""
        from anybone.interactive.session import Session  # the layer above: a session is opened from a model

        chosen = options or SegmentOptions()

        def describe(clock: Clock) -> Provenance:
            return self.provenance(volume, chosen, clock, volume.source.notes)

        return Session(self.inference_model, volume, chosen, describe, self.quality_estimator)

    def provenance(
        self, volume: Volume, options: SegmentOptions, clock: Clock, warnings: tuple[str, ...]
    ) -> Provenance:
        """How a result of this segmenter was made."""
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


def _remarks(
    volume: Volume, mask: np.ndarray, nonempty: np.ndarray, options: SegmentOptions, device: torch.device
) -> tuple[str, ...]:
    remarks = list(volume.source.notes)
    if options.bfloat16 and not has_bfloat16(device):
        remarks.append("This processor does not compute in bfloat16 itself: it would be faster without that option.")
    if not nonempty.all():
        remarks.append(f"{int((~nonempty).sum())} of {nonempty.size} slices hold no signal and were skipped.")
    if not mask.any():
        remarks.append("No bone was found. Look at the picture (--preview), or point at a bone (--point).")
    return tuple(remarks)
