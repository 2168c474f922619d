"""`anybone demo`: a limb made in code, segmented by the weights that ship and by the classical floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.batch import finish_case, report
from anybone.cli.cases import Case
from anybone.cli.guard import guarded
from anybone.cli.method import Method, choose_method, mention_licence
from anybone.cli.run_record import FILE_NAME, RunRecord
from anybone.cli.terminal import Terminal
from anybone.engine.options import SegmentOptions
from anybone.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from anybone.segmentation import Segmentation
    from anybone.volume import Volume

VOLUME_NAME, TRUTH_NAME = "limb.nii.gz", "limb_truth.nii.gz"
BASELINE = "cortex"


@guarded
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for what is made.")] = Path("demo"),
    device: opt.DeviceName = opt.Device.auto,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Make a limb in code, find its bones twice, and say how well: no file is needed.

    Leaves the volume, both masks with pictures and statistics, the truth, and run.json.
    """
    from anybone.anatomy import limb_phantom
    from anybone.io import read, write

    terminal = Terminal(quiet, verbose)
    if output.exists() and (not output.is_dir() or (any(output.iterdir()) and not (output / FILE_NAME).is_file())):
        raise UsageError(f"{output} exists and is no demo's folder. Choose another with -o.")
    methods = _methods(device.value, terminal)
    record = RunRecord(output / FILE_NAME, {"demo": [method.facts for method in methods]})
    volume, truth = limb_phantom()
    write(volume, output / VOLUME_NAME)
    write(truth, output / TRUTH_NAME)
    volume = read(output / VOLUME_NAME)  # so that the demo goes the whole way from a file
    scores = [_one(method, volume, truth, output, record, terminal) for method in methods]
    record.write(0)
    for method, (case, figures) in zip(methods, scores, strict=True):
        told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        terminal.result(f"{method.name}: Dice {told}    picture {case.preview}")
    terminal.note(f"Open the picture: {scores[0][0].preview}")


def _methods(device: str, terminal: Terminal) -> list[Method]:
    baseline = choose_method(None, BASELINE, device)
    try:
        shipped = choose_method(None, None, device)
    except CheckpointError:
        terminal.warn(f"This copy of anybone has no weights, so {BASELINE} runs alone: a floor, not the real thing.")
        return [baseline]
    mention_licence(shipped, terminal)
    return [shipped, baseline]


def _one(
    method: Method, volume: Volume, truth: Segmentation, folder: Path, record: RunRecord, terminal: Terminal
) -> tuple[Case, Mapping[str, float]]:
    """The files of one method, and its Dice for all bone together."""
    from anybone.metrics import dice

    case = Case(folder / VOLUME_NAME, folder / f"limb_{method.name}_bones.nii.gz")
    with terminal.progress(method.name) as bar:
        found = method.segmenter.segment(volume, SegmentOptions(), progress=bar)
    outcome = finish_case(case, volume, found, preview=True, statistics=True)
    figures = {"all bone": dice(found.mask, truth.mask, volume.geometry.spacing_mm)}
    record.add(replace(outcome, dice=figures))
    report(outcome, case, terminal)
    return case, figures
