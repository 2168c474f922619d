"""Entry point of the `anybone` command: one module per subcommand."""

from __future__ import annotations

from typing import Annotated

import typer

from anybone.cli import (
    anatomy,
    benchmark,
    clicks,
    compare,
    convert,
    data,
    demo,
    evaluate,
    finetune,
    info,
    qc,
    segment,
    serve,
    studio,
    train,
    weights,
)
from anybone.version import __version__

app = typer.Typer(
    name="anybone",
    help="Segment bone on MRI: any bone, any body region, any sequence, any plane.",
    epilog="Start with: anybone demo      then: anybone segment knee.nii.gz --preview",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"anybone {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


_SEGMENT, _EVALUATE, _FILES = "Segment", "Evaluate", "Files and weights"
app.command("segment", no_args_is_help=True, rich_help_panel=_SEGMENT)(segment.segment)
app.command("studio", rich_help_panel=_SEGMENT)(studio.studio)
app.command("serve", rich_help_panel=_SEGMENT)(serve.serve)
app.command("demo", rich_help_panel=_SEGMENT)(demo.demo)
app.command("evaluate", no_args_is_help=True, rich_help_panel=_EVALUATE)(evaluate.evaluate)
app.command("compare", no_args_is_help=True, rich_help_panel=_EVALUATE)(compare.compare)
app.command("clicks", no_args_is_help=True, rich_help_panel=_EVALUATE)(clicks.clicks)
app.command("benchmark", no_args_is_help=True, rich_help_panel=_EVALUATE)(benchmark.benchmark)
app.command("qc", no_args_is_help=True, rich_help_panel=_EVALUATE)(qc.qc)
app.command("info", no_args_is_help=True, rich_help_panel=_FILES)(info.info)
app.command("convert", no_args_is_help=True, rich_help_panel=_FILES)(convert.convert)
app.command("finetune", no_args_is_help=True, rich_help_panel=_FILES)(finetune.finetune)
app.command("train", no_args_is_help=True, rich_help_panel=_FILES)(train.train)
app.add_typer(data.app, name="data", rich_help_panel=_FILES)
app.add_typer(anatomy.app, name="anatomy", rich_help_panel=_FILES)
app.add_typer(weights.app, name="weights", rich_help_panel=_FILES)


def main() -> None:
    """Run the command line and exit with its exit code."""
    app()
