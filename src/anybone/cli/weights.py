"""`anybone weights`: add, list, show and verify checkpoints. Only `add` needs torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anybone.cli import options as opt
from anybone.cli.error_handling import handle_errors
from anybone.cli.terminal import Terminal
from anybone.core.errors import CheckpointError, UsageError
from anybone.models import checkpoint, registry

if TYPE_CHECKING:
    from anybone.models.checkpoint import Checkpoint, Header

app = typer.Typer(
    help="Add, list, show and verify weights. They lie in the folder ANYBONE_HOME, or ~/.cache/anybone.",
    no_args_is_help=True,
)

Named = Annotated[
    str | None, typer.Argument(metavar="[NAME|PATH]", help="Which weights.", show_default="those that ship")
]


@app.command("add", no_args_is_help=True)
@handle_errors
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="bone_sam.pth, or a .safetensors of anybone's.")],
    attention: Annotated[
        Path | None, typer.Option("--attention", metavar="atten.pth", help="The released 3-D branch.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call the weights.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace weights of that name.")] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Convert released files to one checkpoint, or take in one that was trained; --weights NAME then uses it.

    Examples:

    anybone weights add bone_sam.pth --attention atten.pth
    anybone weights add run/best.safetensors --name shoulder
    """
    terminal = Terminal(quiet, verbose)
    if name is not None:
        _free_place(name, force)
    with terminal.progress(file.name):
        found = _checkpoint(file, attention)
        found = replace(found, name=name or found.name)
        header = checkpoint.save(found, _free_place(found.name, force))
    terminal.result(f"{header.name}  {header.path}")
    terminal.note(f"License: {header.license}. Use them: anybone segment INPUT --weights {header.name}")


@app.command("list")
@handle_errors
def list_weights(as_json: opt.AsJson = False, verbose: opt.Verbose = 0) -> None:
    """List the weights at hand."""
    terminal = Terminal(verbose=verbose)
    found = []
    for path in registry.installed():
        try:
            found.append(checkpoint.read_header(path))
        except CheckpointError as error:
            terminal.warn(str(error))
    if as_json:
        terminal.result(json.dumps([_facts(header) for header in found], indent=2))
        return
    if not found:
        terminal.note("There are no weights yet. Add some: anybone weights add bone_sam.pth --attention atten.pth")
    width = max((len(_key(header)) for header in found), default=0)
    for header in found:
        size = f"{header.parameters / 1e6:.1f} M, {header.config.image_size} px"
        terminal.result(f"{_key(header):{width}}  {size:18}  {header.license}")


@app.command("info")
@handle_errors
def info(which: Named = None, as_json: opt.AsJson = False, verbose: opt.Verbose = 0) -> None:
    """Show what weights say of themselves: license, origin, what they know and how well."""
    terminal = Terminal(verbose=verbose)
    facts = _facts(checkpoint.read_header(registry.locate(which)))
    if as_json:
        terminal.result(json.dumps(facts, indent=2))
        return
    card = facts.pop("card")
    config = facts.pop("config")
    for key, value in facts.items():
        terminal.result(f"{key:11} {value}")
    terminal.result(
        f"{'network':11} {config['encoder']}, {config['image_size']} px, 3-D branch {config['depth_attention']}"
    )
    if config["bones"]:
        text = ", ".join(f"{label} {name}" for label, name in config["bones"].items())
        terminal.result(f"{'bones':11} {text}")
    for line in _card_lines(card):
        terminal.result(line)


def _card_lines(card: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Return the lines of a card, nested tables indented; a table of plain values takes one line."""
    for key, value in card.items():
        if isinstance(value, dict) and any(isinstance(v, (dict, str)) for v in value.values()):
            yield f"{indent}{key}"
            yield from _card_lines(value, indent + "  ")
        else:
            text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            yield f"{indent}{key:11} {text}"


@app.command("verify")
@handle_errors
def verify(which: Named = None, verbose: opt.Verbose = 0) -> None:
    """Check that no bit of the weights has changed since they were written."""
    terminal = Terminal(verbose=verbose)
    with terminal.progress("verify"):
        header = checkpoint.verify(registry.locate(which))
    terminal.result(f"{header.name}  whole  sha256 {header.sha256}")


def _checkpoint(file: Path, attention: Path | None) -> Checkpoint:
    if file.suffix == checkpoint.SUFFIX:
        if attention is not None:
            raise UsageError("A .safetensors file holds the whole network; leave --attention out.")
        checkpoint.verify(file)
        return checkpoint.load(file)
    if attention is None:
        raise UsageError(f"{file.name} is one of two released files. Add the other: --attention atten.pth")
    from anybone.models.conversion import convert_published

    return convert_published(file, attention)


def _free_place(name: str, force: bool) -> Path:
    path = registry.path_for(name)
    if path.exists() and not force:
        raise UsageError(
            f"There are weights {name!r} already ({path}). Give another --name, or --force to replace them."
        )
    return path


def _key(header: Header) -> str:
    """Return the value for `--weights`: the file's name, which may have been changed."""
    return header.path.name.removesuffix(checkpoint.SUFFIX)


def _facts(header: Header) -> dict[str, Any]:
    return {
        "name": _key(header),
        "path": str(header.path),
        "license": header.license,
        "origin": header.origin,
        "sha256": header.sha256,
        **({"base": f"{header.base.name}  sha256 {header.base.sha256}"} if header.base else {}),
        "parameters": header.parameters,
        "card": header.card,
        "config": header.config.to_dict(),
    }
