"""`anybone benchmark`: networks and ways of training on the same work, by a protocol."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.protocol import read_protocol
from anybone.cli.terminal import Terminal, aligned
from anybone.core.errors import UsageError

if TYPE_CHECKING:
    from anybone.evaluation.benchmark import Done
    from anybone.evaluation.protocols import Protocol


class Engine(StrEnum):
    """Names of `evaluation.benchmark.ENGINES`."""

    here = "here"
    ray = "ray"


_INSTEAD = "Instead of what the protocol says"


ProtocolFile = Annotated[
    Path, typer.Argument(metavar="PROTOCOL.toml", help="What is compared; docs/how-to/benchmark.md says how.")
]
Folder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the benchmark; goes on there.")]
EngineName = Annotated[Engine, typer.Option("--engine", help="One job after the other here, or spread by Ray.")]
Cases = Annotated[
    list[Path] | None,
    typer.Option("--cases", metavar="PATH", help="Cases; may be repeated.", rich_help_panel=_INSTEAD),
]
Corpus = Annotated[
    list[Path] | None,
    typer.Option("--corpus", metavar="DIR", help="Label maps; may be repeated.", rich_help_panel=_INSTEAD),
]
External = Annotated[
    list[Path] | None,
    typer.Option(
        "--external", metavar="PATH", help="Cases of another origin; may be repeated.", rich_help_panel=_INSTEAD
    ),
]
Start = Annotated[
    Path | None, typer.Option("--start", metavar="FILE", help="Weights to start from.", rich_help_panel=_INSTEAD)
]
Methods = Annotated[
    list[str] | None,
    typer.Option("--method", metavar="NAME", help="Only these; may be repeated.", rich_help_panel=_INSTEAD),
]
Seeds = Annotated[
    list[int] | None, typer.Option("--seed", help="Of a training; may be repeated.", rich_help_panel=_INSTEAD)
]
Minutes = Annotated[
    float | None, typer.Option("--minutes", min=0, help="Of training, for each.", rich_help_panel=_INSTEAD)
]
DeviceName = Annotated[str | None, typer.Option("--device", help="Where networks learn.", rich_help_panel=_INSTEAD)]


@handle_errors
def benchmark(
    protocol: ProtocolFile,
    output: Folder,
    engine: EngineName = Engine.here,
    cases: Cases = None,
    corpus: Corpus = None,
    external: External = None,
    start: Start = None,
    method: Methods = None,
    seed: Seeds = None,
    minutes: Minutes = None,
    device: DeviceName = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Compare networks and ways of training: same data, same loop, same budget; what was stopped goes on.

    Examples:

    anybone benchmark configs/protocols/standard-networks.toml -o bench --cases cases.csv --corpus corpus
    """
    from anybone.evaluation.benchmark import benchmark as run
    from anybone.evaluation.benchmark_page import summary_rows, write_benchmark_page
    from anybone.evaluation.results import Results, write_results

    terminal = Terminal(quiet, verbose)
    if output.is_file():
        raise UsageError(f"{output} is a file. Give a folder: -o BENCH.")
    given = {"cases": cases, "corpus": corpus, "external": external}
    wanted = read_protocol(protocol, {key: tuple(paths) for key, paths in given.items() if paths})
    wanted = _instead(wanted, start, method, seed, minutes, device)
    with terminal.progress(output.name) as bar:
        figures = run(
            wanted,
            output,
            engine=engine.value,
            finished=lambda done: terminal.note(_line(done)),
            tell=lambda job, step, done, total: bar(f"{job.name} {step}", done, total),
        )
    results = Results.of(wanted, figures)
    write_results(results, output)
    write_benchmark_page(results, output / "benchmark.html")
    for line in aligned(summary_rows(results)):
        terminal.result(line)
    for text in results.words:
        terminal.result(text)
    terminal.result(f"{output / 'benchmark.html'}")


def _instead(
    protocol: Protocol,
    start: Path | None,
    methods: list[str] | None,
    seeds: list[int] | None,
    minutes: float | None,
    device: str | None,
) -> Protocol:
    """Return the protocol with the command line's options in place of its own."""
    if start is not None and not start.is_file():
        raise UsageError(f"There are no weights {start} to start from. Give a .safetensors or .pth file.")
    training = protocol.training
    if start is not None:
        training = replace(training, start=str(start))
    if device is not None and device != "auto":
        training = replace(training, device=device)
    return replace(
        protocol,
        training=training,
        methods=tuple(methods) if methods else protocol.methods,
        seeds=tuple(seeds) if seeds else protocol.seeds,
        minutes=protocol.minutes if minutes is None else minutes,
    )


def _line(done: Done) -> str:
    """Return the line that is printed after a job."""
    figures, left = done.figures, done.left_s
    values = [one["metrics"]["dsc"] for one in figures.cases if one["metrics"]["dsc"] is not None]
    dsc = f"Dice {sum(values) / len(values):.3f}" if values else "no Dice"
    time_left = f"; about {left / 60:.0f} min left" if left > 0 else ""
    return (
        f"{done.done} of {done.total}: {figures.job.name}  {dsc} ({figures.steps} steps, {figures.minutes:.1f} min)"
        f"{time_left}"
    )
