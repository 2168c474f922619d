"""Jobs: a method, a fold, a seed. Each has a folder, and is done once its figures are there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anybone.core.atomic import write_whole
from anybone.core.errors import NothingFoundError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.evaluation.grids import onto
from anybone.evaluation.interactive import click_cases
from anybone.evaluation.matching import Match
from anybone.evaluation.methods import Method, method
from anybone.evaluation.protocols import Fold, Found, Protocol
from anybone.evaluation.scores import ALL, Measures, Score, score
from anybone.evaluation.training_runs import Trained, train_method
from anybone.evaluation.worst import Worst, draw_worst
from anybone.inference.attention import attention_input
from anybone.inference.classical.methods import BASELINES
from anybone.inference.loading import load
from anybone.inference.options import SegmentOptions
from anybone.inference.postprocessing import clean
from anybone.inference.preprocessing import normalize
from anybone.inference.segmenter import Segmenter
from anybone.io import find_inputs, read, read_segmentation
from anybone.io.names import of_name, stem
from anybone.models.network import device_of

DONE = "figures.json"
USER = "center"
_DECIMALS = 5

Answer = Callable[[Volume, Found], Segmentation]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Job:
    """One of the trainings, or measurements, that a protocol is made of."""

    method: str
    fold: str
    seed: int

    @property
    def name(self) -> str:
        """Path of the job's folder, relative to the benchmark's."""
        parts = (self.method, self.fold, str(self.seed))
        return "/".join(part.replace(" ", "-").replace("/", "-") for part in parts)


@dataclass(frozen=True)
class Figures:
    """Results of a job.

    Attributes:
        job: Which.
        cases: For each case its name, patient, facts and metrics, and, where clicks were tried, Dice after rounds.
        steps: Number of training steps.
        minutes: CPU time of the training in minutes.
        parameters: Numbers of the network; 0 for none.
    """

    job: Job
    cases: tuple[Mapping[str, Any], ...]
    steps: int = 0
    minutes: float = 0.0
    parameters: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {**asdict(self.job), **{key: value for key, value in asdict(self).items() if key != "job"}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Figures:
        """Return the figures from the values of `to_dict`; raises Python's errors for other values."""
        rest = dict(values)
        job = Job(rest.pop("method"), rest.pop("fold"), rest.pop("seed"))
        return cls(job, tuple(rest.pop("cases")), **rest)


@dataclass(frozen=True)
class _Ready:
    """A method that can be measured."""

    answer: Answer
    segmenter: Segmenter | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def jobs_of(protocol: Protocol, folds: list[Fold]) -> list[Job]:
    """All jobs, a seed after the other, so that what is done first is of use; what learns nothing has one seed."""
    return [
        Job(name, fold.name, seed)
        for seed in protocol.seeds
        for fold in folds
        for name in protocol.methods
        if seed == protocol.seeds[0] or (name not in protocol.masks and method(name).runs)
    ]


def figures_of(job: Job, folder: Path) -> Figures | None:
    """Return the results of a job; None before it is done."""
    path = folder / "jobs" / job.name / DONE
    return Figures.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def run_job(
    job: Job, protocol: Protocol, fold: Fold, folder: Path, progress: Progress = lambda step, done, total: None
) -> Figures:
    """Run a job: resume its training, then measure; results are kept in its folder.

    Args:
        job: Which.
        protocol: Protocol that the job is a part of.
        fold: Fold of the job.
        folder: Folder of the whole benchmark.
        progress: Called with (step, done, total).
    """
    place = folder / "jobs" / job.name
    ready = _ready(job, protocol, fold, folder, place, progress)
    cases: dict[str, dict[str, Any]] = {}
    worst: dict[str, tuple[Worst, Found]] = {}  # of each collection
    for number, found in enumerate(fold.test, 1):
        one, shown = _measured(ready.answer, found, protocol)
        cases[one["name"]] = one
        if found.data not in worst or shown.dsc < worst[found.data][0].dsc:
            worst[found.data] = shown, found
        progress("measure", number, len(fold.test))
    for data, (shown, found) in worst.items():
        draw_worst(shown, place / f"worst_{data}.png", found.case.ignore_label)
    if protocol.measure.clicks and ready.segmenter is not None:
        for name, dsc in _clicked(ready.segmenter, fold, protocol, progress).items():
            cases[name]["clicks"] = dsc
    figures = Figures(job, tuple(cases.values()), **ready.facts)
    write_whole(place / DONE, json.dumps(figures.to_dict(), indent=1) + "\n")
    shutil.rmtree(place / "training", ignore_errors=True)  # hundreds of megabytes
    return figures


def _ready(job: Job, protocol: Protocol, fold: Fold, folder: Path, place: Path, progress: Progress) -> _Ready:
    if job.method in protocol.masks:
        masks = find_inputs(protocol.masks[job.method])
        return _Ready(lambda volume, found: read_segmentation(_mask(found, masks, job.method)))
    one = method(job.method)
    match one.kind:
        case "classical":
            return _segmenting(one, Segmenter(BASELINES[one.named](), name=job.method))
        case "weights":
            return _segmenting(one, load(one.named or None, device=protocol.training.device))
    slices = folder / "folds" / f"{job.fold.replace('/', '-')}.safetensors"
    trained = train_method(
        one, protocol, fold, job.seed, place / "training", slices, lambda done, total: progress("train", done, total)
    )
    facts = {"steps": trained.steps, "minutes": round(trained.minutes, 2)}
    if one.kind == "volumes":
        return _Ready(_by_volume(trained), facts=facts | {"parameters": _count(trained.network)})
    ready = _segmenting(one, Segmenter(trained.network.requires_grad_(False), name=job.method))
    return _Ready(ready.answer, ready.segmenter, {**ready.facts, **facts})


def _segmenting(one: Method, segmenter: Segmenter) -> _Ready:
    facts = {"parameters": _count(segmenter.model)}
    return _Ready(lambda volume, found: segmenter.segment(volume), segmenter if one.takes_prompts else None, facts)


def _count(network: object) -> int:
    return sum(p.numel() for p in network.parameters()) if isinstance(network, torch.nn.Module) else 0


def _by_volume(trained: Trained) -> Answer:
    """Return the mask of the 3-D branch alone, on the volume's own grid."""
    network, options = trained.network, SegmentOptions()

    @torch.inference_mode()
    def answer(volume: Volume, found: Found) -> Segmentation:
        axis = volume.geometry.slice_axis
        unit = normalize(volume.data).movedim(axis, 2)
        probability = network.attend(attention_input(unit).to(device_of(network))).float().cpu()
        large = torch.nn.functional.interpolate(probability, size=tuple(unit.shape), mode="trilinear")[0, 0]
        mask = clean(
            np.ascontiguousarray((large.movedim(2, axis) > 0.5).numpy()),
            volume.geometry.voxel_volume_mm3,
            min_component_mm3=options.min_component_mm3,
            max_hole_mm3=options.max_hole_mm3,
        )
        return Segmentation(mask.astype(np.uint16), volume.geometry)

    return answer


def _mask(found: Found, masks: list[Path], name: str) -> Path:
    fitting = of_name(stem(found.case.image), masks) or of_name(stem(found.case.bones), masks)
    if len(fitting) != 1:
        raise NothingFoundError(
            f"{name} has {len(fitting)} masks of {found.case.image.name}; expected is one, called as the image is."
        )
    return fitting[0]


def _measured(answer: Answer, found: Found, protocol: Protocol) -> tuple[dict[str, Any], Worst]:
    """Name, patient, facts, metrics of a case, all bone together, on the truth's own grid; and what to show of it."""
    truth = _bone_alone(read_segmentation(found.case.bones), found.case.ignore_label)
    volume = read(found.case.image)
    answered = onto(answer(volume, found), truth.geometry)
    measures = Measures(protocol.measure.tolerances_mm, ignore=frozenset({found.case.ignore_label}))
    one = next(row for row in score(answered, truth, measures) if row.label == ALL)
    figures = {
        "name": _name(found),
        "patient": _patient(found),
        "facts": found.facts,
        "metrics": _rounded(one),
        "empty": one.empty,
    }
    dsc = one.values["dsc"]
    return figures, Worst(1.0 if dsc is None else dsc, volume, truth, answered)


def _bone_alone(truth: Segmentation, ignore_label: int) -> Segmentation:
    """Return the reference with one label for all bones, which is faster to measure."""
    labels = np.where(truth.labels == ignore_label, ignore_label, truth.labels > 0)
    return Segmentation(labels.astype(np.uint16), truth.geometry, {1: ALL, ignore_label: "ignore"})


def _rounded(one: Score) -> dict[str, float | None]:
    kept = {key: value for key, value in one.values.items() if not key.startswith("f1")}
    return {key: None if value is None else round(value, _DECIMALS) for key, value in kept.items()}


def _clicked(segmenter: Segmenter, fold: Fold, protocol: Protocol, progress: Progress) -> dict[str, dict[str, float]]:
    """For each case Dice after the rounds of clicks that the protocol names."""
    rounds = protocol.measure.clicks
    cases = [
        Match(_name(one), one.case.bones, one.case.image, _patient(one), one.case.ignore_label, one.facts)
        for one in fold.test
    ]
    clicked = click_cases(segmenter, cases, (USER,), rounds=max(1, *rounds), progress=progress)
    return {
        one.name: {str(n): round(one.curve.dsc[min(n, len(one.curve.dsc) - 1)], _DECIMALS) for n in rounds}
        for one in clicked.curves
    }


def _name(found: Found) -> str:
    return f"{found.data}/{stem(found.case.image)}"


def _patient(found: Found) -> str:
    return f"{found.data}/{found.case.patient}"
