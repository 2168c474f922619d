"""`anybone segment`: MRI in, masks of bone out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from anybone.cli import options as opt
from anybone.cli.batch import Job, run_batch
from anybone.cli.cases import check_outputs, plan_cases
from anybone.cli.guard import guarded
from anybone.cli.hints import Hint, read_hints, typed_hints
from anybone.cli.method import choose_method, mention_license
from anybone.cli.pointing import Pointing, Reach
from anybone.cli.run_record import FILE_NAME, RunRecord
from anybone.cli.terminal import Terminal
from anybone.core.errors import UsageError
from anybone.inference.options import SegmentOptions


@guarded
def segment(
    inputs: opt.Inputs = None,
    more_inputs: opt.MoreInputs = None,
    output: opt.Output = None,
    series: opt.Series = None,
    frame: opt.Frame = None,
    preview: opt.Preview = False,
    statistics: opt.Statistics = False,
    save_probabilities: opt.SaveProbabilities = False,
    force: opt.Force = False,
    resume: opt.Resume = False,
    weights: opt.Weights = None,
    method: opt.Method = None,
    device: opt.DeviceName = opt.Device.auto,
    fast: opt.Fast = False,
    bfloat16: opt.Bfloat16 = False,
    point: opt.Points = None,
    not_point: opt.NotPoints = None,
    box: opt.Boxes = None,
    scribble: opt.Scribbles = None,
    mask: opt.Masks = None,
    prompts: opt.PromptsFile = None,
    world: opt.World = False,
    name: opt.BoneName = "bone",
    propagate: opt.Propagate = False,
    first: opt.First = None,
    last: opt.Last = None,
    direction: opt.Way = opt.Direction.both,
    preprocessing: opt.PreprocessingName = opt.Preprocessing.default,
    axis: opt.Axis = None,
    threshold: opt.Threshold = 0.0,
    min_signal: opt.MinSignal = None,
    min_component_mm3: opt.MinComponent = None,
    max_hole_mm3: opt.MaxHole = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Find bone: all of it, or the one that is pointed at.

    Examples:

    anybone segment knee.nii.gz --preview
    anybone segment study/ -o results --resume
    anybone segment thigh.zip --series 3 -o thigh_bones.nrrd
    anybone segment knee.nii.gz --point 120,88,14 --not 40,30,14 --propagate --name femur
    """
    terminal = Terminal(quiet, verbose)
    hints = typed_hints(point, not_point, box, scribble, mask, bone=name, world=world)
    hints += read_hints(prompts, bone=name, world=world) if prompts is not None else []
    pointing = _pointing(hints, _reach(propagate, first, last, direction))
    given: dict[str, Any] = {"axis": axis, "threshold": threshold, "min_signal": min_signal}
    given |= {"min_component_mm3": min_component_mm3, "max_hole_mm3": max_hole_mm3}
    given = {name: value for name, value in given.items() if value is not None}  # the preset has the rest
    if pointing is not None:
        _check_pointing(fast, save_probabilities, given)
    settings = SegmentOptions(preprocessing.value, **given, every=2 if fast else 1, bfloat16=bfloat16)
    network = choose_method(weights, method, device.value)
    job = Job(network, settings, pointing, series, frame, preview, statistics, save_probabilities)
    paths = [*(inputs or []), *(more_inputs or [])]
    raise typer.Exit(_segment(paths, output, job, terminal, force=force, resume=resume))


def _segment(
    inputs: list[Path], output: Path | None, job: Job, terminal: Terminal, *, force: bool, resume: bool
) -> int:
    """The exit code of the run."""
    cases = plan_cases(inputs, output, job.series)
    if job.pointing is not None and len(cases) > 1:
        raise UsageError(f"Prompts belong to one volume, but there are {len(cases)} inputs. Give one input.")
    masks = job.pointing.mask_files if job.pointing is not None else []
    check_outputs(cases, masks, keep_existing=not (force or resume))
    facts = {
        **job.method.facts,
        "options": job.options.to_dict(),
        "prompts": None if job.pointing is None else job.pointing.to_dict(),
        "series": job.series,
        "frame": job.frame,
    }
    record = RunRecord(cases[0].output.with_name(FILE_NAME), facts, resume=resume)
    mention_license(job.method, terminal)
    return run_batch(cases, job, record, terminal)


def _reach(propagate: bool, first: int | None, last: int | None, direction: opt.Direction) -> Reach | None:
    """How far to follow the bone; None: not at all."""
    if not propagate and first is None and last is None:
        return None
    if first is not None and last is not None and first > last:
        raise UsageError(f"--from {first} lies behind --to {last}. Give the lower slice first.")
    return Reach(
        first, last, backwards=direction != opt.Direction.forwards, forwards=direction != opt.Direction.backwards
    )


def _check_pointing(fast: bool, save_probabilities: bool, given: Mapping[str, Any]) -> None:
    if fast or {"min_component_mm3", "max_hole_mm3"} & set(given):
        raise UsageError("--fast, --min-component-mm3 and --max-hole-mm3 do nothing to a bone that is pointed at.")
    if save_probabilities:
        raise UsageError("--save-probabilities is for all bone together; leave it out where a bone is pointed at.")


def _pointing(hints: list[Hint], reach: Reach | None) -> Pointing | None:
    """What is pointed at; None: nothing, so all bone is wanted."""
    if not hints and reach is not None:
        raise UsageError("--propagate follows a bone that is pointed at. Add --point, --box, --scribble or --mask.")
    return Pointing(tuple(hints), reach) if hints else None
