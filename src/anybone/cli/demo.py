"""`anybone demo`: a synthetic knee, segmented by the default weights and by the classical baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.batch import finish_case, report
from anybone.cli.cases import RESULT_ENDING, SUFFIX, Case, check_outputs, plan_cases
from anybone.cli.error_handling import handle_errors
from anybone.cli.method import Method, choose_method, print_license_notice
from anybone.cli.run_record import FILE_NAME, RunRecord
from anybone.cli.terminal import Terminal
from anybone.core.errors import CheckpointError, UsageError
from anybone.inference.options import SegmentOptions

if TYPE_CHECKING:
    from anybone.core.segmentation import Segmentation
    from anybone.core.volume import Volume

VOLUME_NAME, TRUTH_NAME = "made_knee.nii.gz", "made_knee_truth.nii.gz"
BASELINE = "classical"


@dataclass(frozen=True)
class _Shown:
    """Volume with its reference, if known, and the case that names its mask."""

    case: Case
    volume: Volume
    truth: Segmentation | None = None

    def by(self, method: Method) -> Case:
        """Return the case of one method."""
        stem = self.case.output.name.removesuffix(RESULT_ENDING + SUFFIX)
        return Case(self.case.input, self.case.output.with_name(f"{stem}_{method.name}{RESULT_ENDING}{SUFFIX}"))


@handle_errors
def demo(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Your own volume as well: file, folder or zip.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Output folder.")] = Path("demo"),
    device: opt.DeviceName = "auto",
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Generate a knee, segment its bones with two methods, and print how well: no file is needed.

    Write the volume, both masks with pictures and statistics, the reference, and run.json. With a file of your own,
    segment that too, without a score.

    Examples:

    anybone demo
    anybone demo shoulder.nii.gz
    """
    terminal = Terminal(quiet, verbose)
    if output.exists() and (not output.is_dir() or (any(output.iterdir()) and not (output / FILE_NAME).is_file())):
        raise UsageError(f"{output} exists and was not written by the demo. Choose another folder with -o.")
    yours = [] if file is None else _yours(file, output)
    methods = _methods(device, terminal)
    record = RunRecord(output / FILE_NAME, {"demo": [method.facts for method in methods]})
    lines, pictures = [], []
    for shown in (_made_knee(output), *yours):
        for method in methods:
            case, figures = _one(method, shown, record, terminal)
            lines += [f"{method.name}: Dice {name} {value:.3f}" for name, value in figures.items()]
            pictures.append(case.preview)
    record.write(0)
    for line in lines:
        terminal.result(line)
    terminal.note(f"Open the pictures: {', '.join(str(picture) for picture in pictures)}")


def _made_knee(folder: Path) -> _Shown:
    """Write the knee and read it again, so that the demo starts from a file."""
    from anybone.io import read, write
    from anybone.synthetic.example_knee import example_scan

    volume, truth = example_scan()
    case = _knee_case(folder)
    write(volume, case.input)
    write(truth, folder / TRUTH_NAME)
    return _Shown(case, read(case.input), truth)


def _knee_case(folder: Path) -> Case:
    return Case(folder / VOLUME_NAME, folder / VOLUME_NAME.replace(SUFFIX, RESULT_ENDING + SUFFIX))


def _yours(file: Path, output: Path) -> list[_Shown]:
    """Read the user's file or folder before any work, so that a mistake shows at once."""
    from anybone.io import read

    output.mkdir(parents=True, exist_ok=True)  # so that it is taken for a folder whatever its name
    cases = plan_cases([file], output)
    for case in cases:
        if case.output == _knee_case(output).output:
            raise UsageError(f"{case.input} is called as the demo's own volume. Rename it, or use `anybone segment`.")
    return [_Shown(case, read(case.input)) for case in cases]


def _methods(device: str, terminal: Terminal) -> Sequence[Method]:
    baseline = choose_method(None, BASELINE, device)
    try:
        shipped = choose_method(None, None, device)
    except CheckpointError:
        terminal.warn(f"No weights are installed, so only the method {BASELINE} runs.")
        return [baseline]
    print_license_notice(shipped, terminal)
    return [shipped, baseline]


def _one(method: Method, shown: _Shown, record: RunRecord, terminal: Terminal) -> tuple[Case, Mapping[str, float]]:
    """Segment with one method and return its case and, if a reference is known, its Dice."""
    from anybone.metrics import dice

    case = shown.by(method)
    check_outputs([case], [], keep_existing=False)
    with terminal.progress(f"{shown.case.input.name}, {method.name}") as bar:
        found = method.segmenter.segment(shown.volume, SegmentOptions(), progress=bar)
    outcome = finish_case(case, shown.volume, found, preview=True, statistics=True)
    spacing = shown.volume.geometry.spacing_mm
    figures = {} if shown.truth is None else {"all bone": dice(found.mask, shown.truth.mask, spacing)}
    record.add(replace(outcome, dice=figures))
    report(outcome, case, terminal)
    return case, figures
