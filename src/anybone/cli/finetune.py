"""`anybone finetune`: a few cases of one's own -> weights that know them better, on a CPU in minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.guard import guarded
from anybone.cli.terminal import Terminal
from anybone.errors import UsageError


@guarded
def finetune(
    images: Annotated[Path, typer.Option("--images", metavar="DIR", help="Volumes, in any format that is read.")],
    masks: Annotated[Path, typer.Option("--masks", metavar="DIR", help="Their masks: NAME, or NAME_bones.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.safetensors", help="The new weights.")],
    weights: opt.Weights = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="How many.")] = 600,
    sparse: Annotated[
        bool, typer.Option("--sparse", help="Slices without any label are not annotated: leave them out.")
    ] = False,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Of the new weights.", show_default="that of the old ones")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over weights that exist.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Teach weights a few cases of your own: slices are encoded once, the decoder learns.

    Examples:

    anybone finetune --images knees/images --masks knees/masks -o my_knee.safetensors
    anybone segment knee.nii.gz --weights my_knee.safetensors --preview
    """
    from anybone.model import catalogue, checkpoint

    terminal = Terminal(quiet, verbose)
    if output.suffix != checkpoint.SUFFIX:
        raise UsageError(f"{output} does not end in {checkpoint.SUFFIX}. Name the new weights so.")
    if output.exists() and not force:
        raise UsageError(f"{output} exists already. Choose another name, or write over it with --force.")
    header = checkpoint.verify(catalogue.locate(weights))
    if header.config.depth_attention is not None:
        raise UsageError(
            f"{header.name} has a 3-D branch, which fine-tuning does not teach. Give others with --weights."
        )
    from anybone.training.config import TrainingConfig
    from anybone.training.finetune import STAGE, finetune
    from anybone.training.pairs import find_pairs, pair_slices
    from anybone.training.slices import Slice, cache_of

    config = TrainingConfig(model=header.config, start=str(header.path), stage=STAGE, steps=steps, learning_rate=3e-4)
    with terminal.progress(output.name) as bar:
        slices: list[Slice] = []
        pairs = find_pairs(images, masks)
        for number, pair in enumerate(pairs, 1):
            slices += pair_slices(pair, sparse=sparse)
            bar("read", number, len(pairs))
        network = finetune(config, cache_of(slices), bar)
    origin = f"{header.name} ({header.origin}), fine-tuned by anybone in {steps} steps on {len(pairs)} cases"
    made = checkpoint.Checkpoint(config.model, network.state_dict(), licence or header.licence, origin, output.stem)
    checkpoint.save(made, output)
    terminal.result(f"{output}  {len(pairs)} cases, {len(slices)} slices")
    terminal.note(f"Use them: anybone segment INPUT --weights {output}")
