"""`anybone finetune`: a few cases of one's own -> weights that know them better, on a CPU in minutes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Bar, Terminal
from anybone.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from anybone.models.bone_sam import BoneSam
    from anybone.models.checkpoint import Header
    from anybone.training.finetune import Trial
    from anybone.training.pairs import Pair
    from anybone.training.slices import Slice

_BEGAN = "began_with"  # in a card: that of the first weights
MOST_STEPS, STEPS_UNTRIED = 60, 10  # at most; where no trial decides: more would fit the noise of one or two cases
MOST_STEPS_NAMED, STEPS_UNTRIED_NAMED = 150, 30  # names are learned from nothing
LEARNING_RATE = 2e-4
BOUNDARY, CLICK = 0.3, 0.5  # weights of these losses, as those that ship were trained with: without, masks shrink


@handle_errors
def finetune(
    images: Annotated[Path, typer.Option("--images", metavar="DIR", help="Volumes, in any format that is read.")],
    masks: Annotated[Path, typer.Option("--masks", metavar="DIR", help="Their masks: NAME, or NAME_bones.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.safetensors", help="The changes; they need the old weights.")
    ],
    weights: opt.Weights = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="How many, without trying out.", show_default="tried out, at most 60"),
    ] = None,
    sparse: Annotated[
        bool, typer.Option("--sparse", help="Slices without any label are not annotated: leave them out.")
    ] = False,
    named: Annotated[
        bool, typer.Option("--named", help="Learn to tell the labels of the masks apart, by their names.")
    ] = False,
    license: Annotated[
        str | None,
        typer.Option(
            "--license", help="Of what you add; that of the old weights stays beside it.", show_default="the old one's"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over weights that exist.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Teach weights a few cases of your own: slices are encoded once, the decoder learns.

    It is tried out first: half of the cases teach, the other half tell whether they are found better, and the other
    way round. Where they are not, nothing is written. One to three cases are too few for that, unless much is gained or
    lost: then ten steps are taken.

    Examples:

    anybone finetune --images knees/images --masks knees/masks -o my_knee.safetensors
    anybone segment knee.nii.gz --weights my_knee.safetensors --preview
    """
    from anybone.models import checkpoint, registry

    terminal = Terminal(quiet, verbose)
    _check_output(output, checkpoint.SUFFIX, force)
    header = checkpoint.verify(registry.locate(weights))
    if header.config.depth_attention is not None:
        raise UsageError(
            f"{header.name} has a 3-D branch, which fine-tuning does not teach. Give others with --weights."
        )
    from anybone.training.label_names import read_label_names
    from anybone.training.pairs import find_pairs

    pairs = find_pairs(images, masks)
    with terminal.progress(output.name) as bar:
        slices = _slices(pairs, sparse, bar)
        learned = _learn(header, slices, read_label_names(pairs) if named else {}, steps, bar)
    written = _save(header, learned, len(pairs), header.license_with(license), output)
    terminal.result(f"{output}  {len(pairs)} cases, {output.stat().st_size / 1e6:.1f} MB")
    _tell_trial(terminal, learned, steps)
    if written.base is not None:
        terminal.note(f"License: {written.license}. It needs the weights {written.base.name} and fits no others.")
    terminal.note(f"Use them: anybone segment INPUT --weights {output}")


def _check_output(output: Path, suffix: str, force: bool) -> None:
    if output.suffix != suffix:
        raise UsageError(f"{output} does not end in {suffix}. Name the new weights so.")
    if output.exists() and not force:
        raise UsageError(f"{output} exists already. Choose another name, or write over it with --force.")


def _slices(pairs: list[Pair], sparse: bool, bar: Bar) -> list[Slice]:
    """Return the slices of all cases, after checking the cases."""
    from anybone.training.cases import Case
    from anybone.training.check import require_sound
    from anybone.training.pairs import pair_slices

    require_sound([Case(pair.image, pair.mask, pair.name) for pair in pairs], bar)
    slices: list[Slice] = []
    for number, pair in enumerate(pairs, 1):
        slices += pair_slices(pair, sparse=sparse)
        bar("read", number, len(pairs))
    return slices


@dataclass(frozen=True)
class _Learned:
    network: BoneSam
    steps: int
    trial: Trial | None


def _learn(header: Header, slices: list[Slice], bones: dict[int, str], steps: int | None, bar: Bar) -> _Learned:
    """Fine-tune the network, with names for bones where the masks have some.

    Raises:
        InputError: Training on some cases made others worse.
    """
    from anybone.models.bone_names import with_bones
    from anybone.training.config import TrainingConfig
    from anybone.training.finetune import GENTLE, crops_for, cross_validate, finetune, stage_for

    config = TrainingConfig(
        model=with_bones(header.config, bones) if bones else header.config,
        start=str(header.path),
        stage=stage_for(header.config),
        augmentation=GENTLE,
        steps=steps or (MOST_STEPS_NAMED if bones else MOST_STEPS),
        learning_rate=LEARNING_RATE,
        corrections=1,
        boundary_loss_weight=BOUNDARY,
        click_loss_weight=CLICK,
    )
    crops = crops_for(config, slices, bar)
    trial = None if steps else cross_validate(config, crops, bar)
    untried = STEPS_UNTRIED_NAMED if bones else STEPS_UNTRIED
    best = trial.steps if trial and trial.decides else steps or untried
    if not best:
        raise InputError(_no_use(trial))
    return _Learned(finetune(config, crops, best, bar), best, trial)


def _save(header: Header, learned: _Learned, cases: int, license: str, output: Path) -> Header:
    """Write the fine-tuned weights as changes to the weights they started from."""
    from anybone.models.checkpoint import Checkpoint, save_changes

    origin = f"{header.name} ({header.origin}), fine-tuned by anybone in {learned.steps} steps on {cases} cases"
    network, card = learned.network, _card(header, learned.trial)
    after = Checkpoint(network.config, network.state_dict(), license, origin, output.stem, card)
    return save_changes(after, header.path, output)


def _no_use(trial: Trial | None) -> str:
    assert trial is not None
    tried = ", ".join(f"{trial.mean(steps):.3f} after {steps}" for steps in trial.dice if steps)
    return (
        f"What some of these {trial.cases} cases teach does not surely help the others: Dice {trial.mean(0):.3f} "
        f"before, {tried} steps. Nothing was written. Look whether all masks follow one rule and lie on the bone; give "
        "more cases; or say with --steps how many steps to take all the same."
    )


def _tell_trial(terminal: Terminal, learned: _Learned, steps: int | None) -> None:
    from anybone.training.finetune import FEW

    trial = learned.trial
    advice = "Hold out one more case, and look at it before and after."
    if trial is not None:
        terminal.note(
            f"Cases left out in a trial: Dice {trial.mean(0):.3f} before, {trial.mean(trial.at_best):.3f} after "
            f"{trial.at_best} steps on the others."
        )
        if not trial.decides:
            terminal.warn(
                f"{trial.cases} cases say too little about others: {learned.steps} steps were taken. {advice}"
            )
        elif trial.cases < FEW:
            terminal.warn(f"{trial.cases} cases say little about others. {advice}")
    elif steps is None:
        terminal.warn(f"One case cannot be tried out on another: {learned.steps} steps were taken. {advice}")


def _card(header: Header, trial: Trial | None) -> dict[str, Any]:
    """Return the card: that of the initial weights, how far it still holds, and the trial's result."""
    from anybone.inference.quality import QualityEstimator

    tried = {"trial": {"cases": trial.cases, "dice_by_steps": {n: trial.mean(n) for n in trial.dice}}} if trial else {}
    if not header.card:
        return tried
    return {**QualityEstimator.from_card(header.card).to_card(), _BEGAN: header.card.get(_BEGAN, header.card), **tried}
