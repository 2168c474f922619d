"""`anybone train`: a recipe -> weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.recipe import read_recipe
from anybone.cli.terminal import Bar, Terminal
from anybone.core.errors import UsageError

COPY = "recipe.toml"  # in the folder of the run


@handle_errors
def train(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE.toml", help="Data, network and numbers; docs/how-to/train.md says how.")
    ],
    run: Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run; it goes on there.")],
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="How many.", show_default="as in the recipe")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0, help="As many steps as fit into this, by a trial of a few.")
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write events for TensorBoard beside the tables.")
    ] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Train a network on your own cases, on synthetic anatomy, or both; an interrupted run goes on where it stopped.

    Examples:

    anybone train recipe.toml -o run --minutes 60
    anybone weights add run/trained.safetensors --name mine
    """
    if steps is not None and minutes is not None:
        raise UsageError("--steps and --minutes both say how long. Give one.")
    wanted = read_recipe(recipe)
    if steps is not None:
        wanted = replace(wanted, training=replace(wanted.training, steps=steps))
    from anybone.training.processes import joined
    from anybone.training.progress_log import LOGS
    from anybone.training.run import run_recipe

    logs = [name for name in LOGS if tensorboard or name != "tensorboard"]
    with joined(wanted.training.device) as processes:
        terminal = Terminal(quiet or not processes.first, verbose)
        with terminal.progress(run.name) as bar:
            shown = _shown(bar)
            header = run_recipe(wanted, run, minutes=minutes, progress=shown, logs=logs, processes=processes)
        if processes.first:
            shutil.copyfile(recipe, run / COPY)
    terminal.result(f"{header.path}  {header.parameters / 1e6:.1f} M parameters")
    terminal.note(f"Use them: anybone segment INPUT --weights {header.path}")


def _shown(bar: Bar) -> Callable[[int, int, dict[str, float]], None]:
    def show(step: int, steps: int, losses: dict[str, float]) -> None:
        bar("train", step, steps, f"loss {sum(losses.values()):.3f}")

    return show
