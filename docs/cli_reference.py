"""Writes docs/reference/cli.md from the commands themselves.

python docs/cli_reference.py [--check]
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import typer

from anybone.cli.main import app

PAGE = Path(__file__).parent / "reference" / "cli.md"

HEAD = """# Command line

<!-- Written by docs/cli_reference.py from the commands' own help; a test compares both. -->

`anybone COMMAND --help` shows the same in a terminal. Results go to stdout, everything else to stderr. The exit code
says how it went: see [errors and exit codes](errors.md).
"""


@dataclass(frozen=True)
class Word:
    """An argument or option of a command.

    Attributes:
        panel: Heading that it stands under.
        spelling: Names and what stands for the value, Markdown.
        meaning: Help and default, Markdown.
    """

    panel: str
    spelling: str
    meaning: str


def page() -> str:
    """Return the whole page as Markdown."""
    sections = ["\n".join(_section(name, function)) for name, function in commands(app, "anybone")]
    return "\n".join([HEAD, *sections])


def commands(group: typer.Typer, path: str) -> Iterator[tuple[str, Callable[..., None]]]:
    """Every command below a group, with its full name."""
    for command in group.registered_commands:
        if command.callback is not None:
            yield f"{path} {command.name or command.callback.__name__}", command.callback
    for part in group.registered_groups:
        if part.typer_instance is not None:
            yield from commands(part.typer_instance, f"{path} {part.name}")


def words(function: Callable[..., None]) -> list[Word]:
    """Return the arguments and options of a command, panel by panel, messages last."""
    types = get_type_hints(function, include_extras=True)
    found = [_word(p.name, types[p.name], p.default) for p in inspect.signature(function).parameters.values()]
    panels = list(dict.fromkeys(word.panel for word in found))
    return sorted(found, key=lambda word: (word.panel == "Messages", panels.index(word.panel)))


def _section(name: str, function: Callable[..., None]) -> Iterator[str]:
    about, _, examples = inspect.cleandoc(function.__doc__ or "").partition("Examples:")
    yield f"## {name}\n\n{about.strip()}\n"
    if examples.strip():
        yield "```console"
        yield from (line for line in examples.splitlines() if line.strip())
        yield "```\n"
    panel = None
    for word in words(function):
        if word.panel != panel:
            yield f"{'' if panel is None else chr(10)}| {word.panel} | |\n| --- | --- |"
            panel = word.panel
        yield f"| {word.spelling} | {word.meaning} |"
    yield ""


def _word(name: str, annotated: Any, default: Any) -> Word:
    kind, info = get_args(annotated)[:2]
    required = default is inspect.Parameter.empty
    if isinstance(info, typer.models.ArgumentInfo):
        spelling, panel = f"`{info.metavar or name.upper()}`", "Arguments"
    else:
        names = sorted(_names(info) or [f"--{name.replace('_', '-')}"], key=len)
        spelling = ", ".join(f"`{n}`" for n in names)
        panel = info.rich_help_panel or "Options"
        if not (info.count or kind is bool):
            spelling += f" `{_value_name(info.metavar, kind)}`"
    help_text = " ".join((info.help or "").split())
    return Word(panel, _cell(spelling), _cell(f"{help_text}{_default_text(info, default, required)}"))


def _names(info: Any) -> list[str]:
    """Return the names of an option; typer keeps the first name of an annotated option as its default."""
    return [word for word in (info.default, *(info.param_decls or ())) if isinstance(word, str)]


def _value_name(metavar: str | None, kind: Any) -> str:
    if metavar is not None:
        return metavar
    if get_origin(kind) in (Union, UnionType):
        kind = get_args(kind)[0]
    if get_origin(kind) is list:
        kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(choice.value) for choice in kind)
    return {float: "NUMBER", int: "N", str: "TEXT", Path: "PATH"}[kind]


def _default_text(info: Any, default: Any, required: bool) -> str:
    if required:
        return " *Required.*"
    if isinstance(info.show_default, str):
        return f" *Default: {info.show_default}.*"
    if default is None or default is False or info.show_default is False:
        return ""
    return f" *Default: `{default.value if isinstance(default, Enum) else default}`.*"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page, or with --check compare it with the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="Write nothing; exit with 1 where the page is old.")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE} is older than the commands. Renew it: python docs/cli_reference.py")


if __name__ == "__main__":
    main()
