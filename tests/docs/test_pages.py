"""What README, tutorials, how-tos and explanations show is run, page by page, in the order of the page."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from anybone.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
RUN_PAGES = (
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
    ROOT / "docs" / "reference" / "coordinates.md",
    *(page for kind in ("how-to", "explanation") for page in sorted((ROOT / "docs" / kind).glob("*.md"))),
)

_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>[^\n]+?) -->\n+)?^```(?P<kind>python|bash)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    Attributes:
        kind: "python" or "bash".
        code: What it says.
        line: Where it starts on the page.
        not_run: Why it is not run; None where it is.
    """

    kind: str
    code: str
    line: int
    not_run: str | None

    def commands(self) -> Iterator[list[str]]:
        """The commands of a bash block as words: comments left out, broken lines joined."""
        for line in self.code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page that can be run, in order; ```console and ```text are only shown."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(m["kind"], m["code"], text.count("\n", 0, m.start("code")) + 1, m["why"]) for m in _BLOCK.finditer(text)
    ]


# What `make` and pip do is tried by whoever sets the project up; here the commands of anybone are run.
PROGRAMS = ("anybone", ".venv/bin/anybone")
NOT_OURS = ("make",)


@pytest.mark.parametrize("page", RUN_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_page_runs(
    page: Path, prepared: Path, volumes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (prepared, volumes):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}  # a page's Python blocks follow on one another
    for block in blocks_of(page):
        where = f"{page.name}, line {block.line}"
        if block.not_run is not None:
            continue
        if block.kind == "python":
            exec(compile(block.code, where, "exec"), names)
        else:
            run_commands(block, where)


def run_commands(block: Block, where: str) -> None:
    for words in block.commands():
        if words[0] in NOT_OURS:
            continue
        assert words[0] in PROGRAMS, f"{where}: {words[0]} is not a command that is run here; show it as ```console."
        if words[1:] == ["demo"]:
            continue  # `prepared` ran it
        result = CliRunner().invoke(app, words[1:])
        assert result.exit_code in (0, 4, 5), f"{where}: {' '.join(words)}\n{result.output}"  # 4, 5: no bone, or doubts


def test_the_reference_of_commands_is_current() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import cli_reference
    finally:
        sys.path.pop(0)
    assert cli_reference.PAGE.read_text(encoding="utf-8") == cli_reference.page()


def test_every_page_has_something_to_show() -> None:
    assert len(RUN_PAGES) > 8
    assert sum(block.not_run is None for page in RUN_PAGES for block in blocks_of(page)) > 20
