"""Measure how well confidence predicts Dice and which cases are flagged, and fit the numbers of a checkpoint's card.

    anybone anatomy corpus --count 1 --seed 9000 -o held_out
    python benchmarks/trust.py SHARED_DATA held_out [--weights NAME|PATH] [--fit OUT.safetensors] [--record FILE.json]

With --fit, scale and shift are fitted where the truth is known (the validation patients and the label maps, each of
which counts the same), the least Dice is `LEAST_DICE`, and OUT is the checkpoint with these three in its card. Without,
the card's own are used. Printed are the calibration error before and after (fitted on every other volume, measured on
the rest), the correlation of confidence with Dice, and who is doubted: patients, real scans without a truth, and
`evaluation.out_of_distribution`. No map of these seeds may be in the corpus that the weights learned from.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from accuracy import cases
from numpy.typing import NDArray

import anybone
from anybone.evaluation.out_of_distribution import OUT_OF_DISTRIBUTION, out_of_distribution
from anybone.inference.input_checks import check_input
from anybone.inference.options import SegmentOptions
from anybone.inference.postprocessing import clean
from anybone.inference.preprocessing import normalize
from anybone.inference.quality import Calibration, QualityEstimator, fit_calibration
from anybone.inference.segmenter import Segmenter
from anybone.io import describe
from anybone.metrics import dice, expected_calibration_error
from anybone.models import checkpoint, registry
from anybone.synthetic.contrast import SEQUENCES
from anybone.synthetic.label_map import load as load_map
from anybone.synthetic.scanner import PLANES, scan
from anybone.training.cache import IGNORE

LEAST_DICE = 0.7  # made heads are thought worth up to 0.63, patients that were looked at 0.77 and more
SAMPLES_PER_KIND = 5
VOXELS = 200_000  # of each volume, drawn for the fit


@dataclass(frozen=True)
class Looked:
    """A volume that the network has looked at; `truth` is 1, 0 or IGNORE, and None where it is not known."""

    name: str
    logits: NDArray[np.float16]
    mask: NDArray[np.bool_]
    axis: int
    doubts: tuple[str, ...]
    truth: NDArray[np.uint8] | None = None

    @property
    def dice(self) -> float | None:
        """The true Dice where the truth is known."""
        if self.truth is None:
            return None
        known = self.truth != IGNORE
        return dice(self.mask[known], self.truth[known] == 1, (1.0,))

    def sample(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Logits and truth of voxels drawn from the known ones."""
        assert self.truth is not None
        known = np.flatnonzero(self.truth != IGNORE)
        chosen = np.random.default_rng(0).choice(known, min(VOXELS, known.size), replace=False)
        return self.logits.ravel()[chosen].astype(np.float32), self.truth.ravel()[chosen] == 1

    def judged(self, quality_estimator: QualityEstimator) -> anybone.core.segmentation.Confidence:
        """Return the estimated quality of a segmentation."""
        return judge.confidence(judge.calibration.probability(self.logits), self.mask, self.axis, self.doubts)


def look(model: Segmenter, name: str, volume: anybone.Volume, truth: NDArray[np.uint8] | None = None) -> Looked:
    """Return the network's outputs for a volume, before calibration."""
    options, geometry = SegmentOptions(), volume.geometry
    logits = model.logits(volume, options)
    cleaning = {"min_component_mm3": options.min_component_mm3, "max_hole_mm3": options.max_hole_mm3}
    mask = clean(logits > options.threshold, geometry.voxel_volume_mm3, **cleaning)
    doubts = check_input(volume, normalize(volume.data), geometry.slice_axis)
    print(f"{name:32}", geometry.shape_ijk, flush=True)
    return Looked(name, logits.astype(np.float16), mask, geometry.slice_axis, doubts, truth)


def with_truth(model: Segmenter, data: Path, maps: Path) -> Iterator[Looked]:
    """Yield the validation patients, and each label map scanned once."""
    for case in cases(data):
        yield look(model, case.name, case.volume, case.truth)
    for path in sorted(maps.glob("*.safetensors")):
        seed = zlib.crc32(path.stem.encode())
        sequence, plane = list(SEQUENCES)[seed % len(SEQUENCES)], list(PLANES)[seed // 64 % len(PLANES)]
        volume, bones = scan(load_map(path), sequence, plane, seed)
        yield look(model, path.stem, volume, bones.mask.astype(np.uint8))


def without_truth(model: Segmenter, data: Path) -> Iterator[Looked]:
    """Real MRI of other places and scanners."""
    for path in sorted((data / "dicom").glob("*.zip")):
        for found in describe(path):
            yield look(model, f"{path.stem} {found.name}", anybone.read(path, series=found.name))
    for path in sorted((data.parent / "samples").glob("*.nii.gz")):
        yield look(model, path.name, anybone.read(path))


def out_of_distribution_samples(model: Segmenter) -> Iterator[Looked]:
    """All kinds, a few of each."""
    for kind in OUT_OF_DISTRIBUTION:
        for seed in range(SAMPLES_PER_KIND):
            yield look(model, f"{kind} {seed}", out_of_distribution(kind, seed))


def calibrate(known: Sequence[Looked]) -> Calibration:
    """Fit the calibration on volumes with ground truth; each volume has equal weight."""
    logits, truth = (np.concatenate(part) for part in zip(*(one.sample() for one in known), strict=True))
    return fit_calibration(logits, truth)


def fit(known: Sequence[Looked]) -> QualityEstimator:
    """Fit the quality estimator and its threshold for flagging cases expected below the goal."""
    return QualityEstimator(calibrate(known), LEAST_DICE)


def calibration_errors(known: Sequence[Looked]) -> dict[str, float]:
    """Return the expected calibration error without and with a calibration that was fitted on other volumes."""
    found: dict[str, list[float]] = {"before": [], "after": []}
    for learned, tried in ((known[::2], known[1::2]), (known[1::2], known[::2])):
        logits, truth = (np.concatenate(part) for part in zip(*(one.sample() for one in tried), strict=True))
        for name, calibration in (("before", Calibration()), ("after", calibrate(learned))):
            found[name].append(expected_calibration_error(calibration.probability(logits), truth))
    return {name: float(np.mean(values)) for name, values in found.items()}


def correlations(known: Sequence[Looked], quality_estimator: QualityEstimator) -> dict[str, float]:
    """Return correlations of confidence with Dice (Pearson's, Spearman's) and the mean difference."""
    pairs = [(one.judged(judge).dice, one.dice) for one in known]
    expected, true = np.array([pair for pair in pairs if pair[0] is not None], dtype=np.float64).T
    ranks = np.argsort(np.argsort([expected, true], axis=1), axis=1)
    return {
        "volumes": len(expected),
        "pearson": float(np.corrcoef(expected, true)[0, 1]),
        "spearman": float(np.corrcoef(ranks[0], ranks[1])[0, 1]),
        "mean_absolute_difference": float(np.abs(expected - true).mean()),
    }


def doubted(group: Sequence[Looked], quality_estimator: QualityEstimator, kind: Callable[[str], str]) -> dict[str, str]:
    """For each kind of volume how many of how many are doubted."""
    flags: dict[str, list[bool]] = {}
    for one in group:
        verdict = one.judged(judge)
        flags.setdefault(kind(one.name), []).append(bool(verdict.warnings))
        truth = "" if one.dice is None else f"Dice {one.dice:.3f}"
        said = "nothing found" if verdict.dice is None else f"confidence {verdict.dice:.3f}"
        print(f"{one.name:32} {said:18} {truth:10} {' '.join(d[26:80] for d in verdict.warnings)}")
    return {name: f"{sum(found)} of {len(found)}" for name, found in flags.items()}


def main() -> None:
    """Measures, prints, and keeps what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("maps", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--fit", type=Path)
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    model = anybone.load(a.weights)
    known = list(with_truth(model, a.data, a.maps))
    judge = fit(known) if a.fit else model.judge
    real = [one for one in known if "/" in one.name]
    groups = (
        ("validation patients", real, lambda name: name.split("/")[0]),
        ("synthetic", [one for one in known if "/" not in one.name], lambda name: "synthetic"),
        ("real, no truth", list(without_truth(model, a.data)), lambda name: "real scans"),
        ("out_of_distribution", list(out_of_distribution_samples(model)), lambda name: name.rsplit(" ", 1)[0]),
    )
    facts: dict[str, Any] = {"weights": model.name, "sha256": model.weights_sha256, **judge.to_card()}
    facts["calibration_error"] = calibration_errors(known)
    facts["all"], facts["patients"] = correlations(known, judge), correlations(real, judge)
    facts["doubted"] = {title: doubted(group, judge, kind) for title, group, kind in groups}
    print(json.dumps(facts, indent=1))
    if a.fit:
        found = checkpoint.load(registry.locate(a.weights))
        checkpoint.save(replace(found, card={**found.card, **judge.to_card()}), a.fit)
    if a.record:
        a.record.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
