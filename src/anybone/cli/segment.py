"""`anybone segment`: segment bone on MRI volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from anybone.cli import options as opt
from anybone.cli.batch import Job, run_batch
from anybone.cli.cases import check_outputs, plan_cases
from anybone.cli.error_handling import handle_errors
from anybone.cli.method import choose_method, print_license_notice
from anybone.cli.option_groups import (
    AdvancedOptions,
    FileOptions,
    MessageOptions,
    PromptOptions,
    RunOptions,
    with_option_groups,
)
from anybone.cli.prompt_input import parse_prompt_options, read_prompts_file
from anybone.cli.prompted import PromptRequest, PropagationRange
from anybone.cli.run_record import FILE_NAME, RunRecord
from anybone.cli.terminal import Terminal
from anybone.core.errors import UsageError
from anybone.inference.options import SegmentOptions


@handle_errors
@with_option_groups
def segment(
    files: FileOptions, run: RunOptions, prompt: PromptOptions, advanced: AdvancedOptions, messages: MessageOptions
) -> None:
    """Segment all bone, or the bone that prompts ask for.

    Examples:

    anybone segment knee.nii.gz --preview
    anybone segment study/ -o results --resume
    anybone segment thigh.zip --series 3 -o thigh_bones.nrrd
    anybone segment knee.nii.gz --point 120,88,14 --not 40,30,14 --propagate --name femur
    """
    request = _prompt_request(prompt)
    given = advanced.given()
    if request is not None:
        _check_prompt_options(run.fast, files.save_probabilities, given)
    settings = SegmentOptions(advanced.preprocessing.value, **given, every=2 if run.fast else 1, bfloat16=run.bfloat16)
    method = choose_method(run.weights, run.method, run.device)
    job = Job(
        method, settings, request, files.series, files.frame, files.preview, files.statistics, files.save_probabilities
    )
    raise typer.Exit(_segment(files, job, Terminal(messages.quiet, messages.verbose)))


def _segment(files: FileOptions, job: Job, terminal: Terminal) -> int:
    """Run all cases and return the exit code."""
    cases = plan_cases(files.paths, files.output, job.series)
    if job.request is not None and len(cases) > 1:
        raise UsageError(f"Prompts apply to one volume, but {len(cases)} inputs were given. Give one input.")
    masks = job.request.mask_files if job.request is not None else []
    check_outputs(cases, masks, keep_existing=not (files.force or files.resume))
    facts = {
        **job.method.facts,
        "options": job.options.to_dict(),
        "prompts": None if job.request is None else job.request.to_dict(),
        "series": job.series,
        "frame": job.frame,
    }
    record = RunRecord(cases[0].output.with_name(FILE_NAME), facts, resume=files.resume)
    print_license_notice(job.method, terminal)
    return run_batch(cases, job, record, terminal)


def _prompt_request(prompt: PromptOptions) -> PromptRequest | None:
    """Return the prompts of the command line, or None to segment all bone."""
    name = prompt.name or "bone"
    specs = parse_prompt_options(
        prompt.point,
        prompt.not_point,
        prompt.box,
        prompt.scribble,
        prompt.mask,
        bone=name,
        world=prompt.world,
    )
    if prompt.prompts is not None:
        specs += read_prompts_file(prompt.prompts, bone=name, world=prompt.world)
    propagation = _propagation_range(prompt)
    if not specs and prompt.name is not None:
        raise UsageError(
            f"--name {prompt.name} names a prompted bone, but no prompt was given. Add --point, --box, --scribble or "
            "--mask, or remove --name."
        )
    if not specs and propagation is not None:
        raise UsageError("--propagate needs a prompt to start from. Add --point, --box, --scribble or --mask.")
    return PromptRequest(tuple(specs), propagation) if specs else None


def _propagation_range(prompt: PromptOptions) -> PropagationRange | None:
    """Return the slices to propagate to, or None for the prompted slices only."""
    if not prompt.propagate and prompt.first is None and prompt.last is None:
        return None
    prompt.check_range()
    return PropagationRange(
        prompt.first,
        prompt.last,
        backwards=prompt.direction != opt.Direction.forwards,
        forwards=prompt.direction != opt.Direction.backwards,
    )


def _check_prompt_options(fast: bool, save_probabilities: bool, given: Mapping[str, Any]) -> None:
    if fast or {"min_component_mm3", "max_hole_mm3"} & set(given):
        raise UsageError("--fast, --min-component-mm3 and --max-hole-mm3 do not apply to prompted bones. Remove them.")
    if save_probabilities:
        raise UsageError("--save-probabilities needs automatic segmentation. Remove it, or remove the prompts.")
