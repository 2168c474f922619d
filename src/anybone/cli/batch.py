"""A batch: the same job for every case; one that fails is reported, and the rest go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from anybone.cli.cases import Case
from anybone.cli.error_handling import FAILED, INTERRUPTED, LOW_CONFIDENCE, exit_code_of, message_of, show_traceback
from anybone.cli.method import Method
from anybone.cli.prompted import PlacedPrompt, PromptRequest, place, segment_prompted
from anybone.cli.run_record import CaseRecord, RunRecord
from anybone.cli.terminal import Bar, Terminal
from anybone.core.errors import AnyboneError, NothingFoundError
from anybone.core.segmentation import Confidence, Segmentation
from anybone.core.volume import Volume
from anybone.inference.options import SegmentOptions

if TYPE_CHECKING:
    from anybone.inference.segmenter import Segmenter


_WRITTEN = (0, NothingFoundError.exit_code, LOW_CONFIDENCE)  # the mask is there, whatever is to be said of it


@dataclass(frozen=True)
class Job:
    """Processing of each case.

    Attributes:
        method: Segmentation method.
        options: Options of the segmentation.
        request: Prompts; None segments all bone.
        series: DICOM series.
        frame: Volume of a 4-D file.
        preview: True writes a picture.
        statistics: True writes tables.
        probabilities: True writes the bone probability.
    """

    method: Method
    options: SegmentOptions
    request: PromptRequest | None = None
    series: str | None = None
    frame: int | None = None
    preview: bool = False
    statistics: bool = False
    probabilities: bool = False


@dataclass(frozen=True)
class _Opened:
    """Case with its volume and the time to read it."""

    case: Case
    volume: Volume
    placed: list[PlacedPrompt]
    timings_s: dict[str, float] = field(default_factory=dict)


def run_batch(cases: Sequence[Case], job: Job, record: RunRecord, terminal: Terminal) -> int:
    """Run all cases and return 0, the exit code of failed cases (1 if they differ), 5 for doubts or 4 for no bone."""
    record.write()  # a folder that cannot be written to shows before the work
    codes: list[int] = []
    doubted: list[str] = []
    try:
        for number, case in enumerate(cases, 1):
            earlier = record.finished(case)
            if earlier is not None:
                terminal.note(f"{case.output}  is complete already")
                codes.append(earlier)
                doubted += [case.input.name] * (earlier == LOW_CONFIDENCE)
                continue
            title = f"[{number}/{len(cases)}] {case.input.name}" if len(cases) > 1 else case.input.name
            with terminal.progress(title) as bar:
                outcome = _run(case, job, bar, terminal)
            record.add(outcome)
            report(outcome, case, terminal)
            codes.append(outcome.exit_code)
            doubted += [case.input.name] * (outcome.exit_code == LOW_CONFIDENCE)
    except KeyboardInterrupt:
        record.write(INTERRUPTED)
        if len(cases) > 1:
            terminal.note(f"{len(codes)} of {len(cases)} cases are finished; --resume goes on with the rest.")
        raise
    except AnyboneError as error:
        record.write(exit_code_of(error))
        raise
    code = _overall(codes)
    record.write(code)
    if len(cases) > 1:
        failed = sum(1 for c in codes if c not in _WRITTEN)
        terminal.note(f"{len(cases)} cases, {failed} failed; see {record.path}")
        if doubted:
            terminal.warn(f"{len(doubted)} of {len(cases)} results should not be trusted: {', '.join(doubted)}")
    return code


def _run(case: Case, job: Job, bar: Bar, terminal: Terminal) -> CaseRecord:
    try:
        opened = _open(case, job)
    except Exception as error:
        return _failed(case, error, terminal)
    segmenter = job.method.segmenter  # where this fails, every case would: the run ends
    try:
        segmentation = _segment(opened, job, segmenter, bar)
        return finish_case(
            case,
            opened.volume,
            segmentation,
            opened.timings_s,
            preview=job.preview,
            statistics=job.statistics,
            probabilities=job.probabilities,
        )
    except Exception as error:
        return _failed(case, error, terminal)


def _open(case: Case, job: Job) -> _Opened:
    from anybone.io import read
    from anybone.saving import check

    start = perf_counter()
    volume = read(case.input, series=job.series, frame=job.frame)
    check(volume, case.output)  # before the work, not after it
    placed = [] if job.request is None else place(job.request, volume)
    return _Opened(case, volume, placed, {"read": round(perf_counter() - start, 3)})


def _segment(opened: _Opened, job: Job, segmenter: Segmenter, bar: Bar) -> Segmentation:
    if job.request is None:
        found = segmenter.segment(opened.volume, job.options, progress=bar)
    else:
        found = segment_prompted(segmenter, opened.volume, job.options, job.request, opened.placed, bar)
    if found.provenance is None:
        return found
    timings = {**opened.timings_s, **found.provenance.timings_s}
    return replace(found, provenance=replace(found.provenance, timings_s=timings, source=str(opened.case.input)))


def finish_case(
    case: Case,
    volume: Volume,
    segmentation: Segmentation,
    timings_s: Mapping[str, float] = {},
    *,
    preview: bool,
    statistics: bool,
    probabilities: bool = False,
) -> CaseRecord:
    """Write the files of a case and return its record."""
    start = perf_counter()
    files = _write(case, volume, segmentation, preview=preview, statistics=statistics, probabilities=probabilities)
    made, confidence = segmentation.provenance, segmentation.confidence or Confidence()
    timings = {**timings_s, **(made.timings_s if made else {}), "write": round(perf_counter() - start, 3)}
    found = 0 if segmentation.mask.any() else NothingFoundError.exit_code
    return CaseRecord(
        input=str(case.input.resolve()),
        output=str(case.output.resolve()),
        exit_code=LOW_CONFIDENCE if confidence.warnings else found,
        output_bytes=case.output.stat().st_size,
        bone_ml=_volumes_ml(segmentation),
        confidence=confidence.dice,
        slice_confidence={str(index): round(float(dice), 4) for index, dice in confidence.slices.items()},
        doubts=confidence.warnings,
        files={kind: str(path.resolve()) for kind, path in files.items()},
        warnings=made.warnings if made else (),
        timings_s=timings,
        device=made.device if made else "",
    )


def _write(
    case: Case, volume: Volume, segmentation: Segmentation, *, preview: bool, statistics: bool, probabilities: bool
) -> dict[str, Path]:
    """Write the files and return their paths by kind."""
    from anybone.saving import write

    write(segmentation, case.output)
    files = {"mask": case.output}
    if case.label_table is not None:
        files["labels"] = case.label_table
    if probabilities and segmentation.probability is not None:
        write(Volume(segmentation.probability.astype(np.float32), segmentation.geometry), case.probability)
        files["probability"] = case.probability
    if preview:
        from anybone.export import write_preview

        axis = None if segmentation.provenance is None else segmentation.provenance.options.get("axis")
        write_preview(volume, segmentation, case.preview, axis)
        files["preview"] = case.preview
    if statistics:
        from anybone.export import write_statistics

        write_statistics(segmentation, case.statistics)
        files |= {"statistics": case.statistics, "statistics_csv": case.statistics.with_suffix(".csv")}
    return files


def report(outcome: CaseRecord, case: Case, terminal: Terminal) -> None:
    """Print the outcome of a case: the result on stdout, the rest on stderr."""
    for warning in outcome.warnings:
        terminal.warn(f"{case.input.name}: {warning}")
    if outcome.message:
        known = case.input.name in outcome.message
        terminal.error(outcome.message if known else f"{case.input.name}: {outcome.message}")
        return
    if not outcome.bone_ml:
        terminal.result(f"{case.output}  no bone")
    else:
        parts = [f"{name} {ml:.1f} ml" for name, ml in outcome.bone_ml.items()]
        parts += [] if outcome.confidence is None else [f"confidence {outcome.confidence:.2f}"]
        terminal.result(f"{case.output}  " + ", ".join(parts))
    if "preview" in outcome.files:
        terminal.result(f"{case.preview}")
    steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in outcome.timings_s.items())
    terminal.note(f"seconds on {outcome.device}: {steps}", verbose=1)


def _failed(case: Case, error: Exception, terminal: Terminal) -> CaseRecord:
    show_traceback(error, terminal)
    return CaseRecord(str(case.input.resolve()), str(case.output.resolve()), exit_code_of(error), message_of(error))


def _volumes_ml(segmentation: Segmentation) -> dict[str, float]:
    counts = np.bincount(segmentation.labels.ravel(), minlength=2)
    ml = segmentation.geometry.voxel_volume_mm3 / 1000
    return {name: round(float(counts[n]) * ml, 3) for n, name in segmentation.names.items() if counts[n : n + 1].any()}


def _overall(codes: Sequence[int]) -> int:
    failures = set(codes) - {0}
    if failures <= set(_WRITTEN):
        return max(failures, default=0)  # a doubt weighs more than an empty mask
    return failures.pop() if len(failures) == 1 else FAILED
