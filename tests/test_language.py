"""The language rules that a machine can check: words that were replaced, and how docstrings begin."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src/anybone", "studio/src", "docs", "configs", "benchmarks")
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "NOTICE", "SECURITY.md")
SUFFIXES = {".py", ".ts", ".tsx", ".md", ".toml"}

REPLACED = {
    r"told": "reported, raised",
    r"heed\w*|unheeded": "enforce",
    r"reckon\w*": "compute",
    r"anew": "again",
    r"aside": "except, held out",
    r"impostors?": "out-of-distribution samples",
    r"contenders?": "methods",
    r"lessons?": "training runs",
    r"taught": "trained",
    r"invented": "false positives",
    r"beliefs?": "confidence",
    r"shanks?": "lower leg",
    r"loins?": "lumbar",
    r"flesh": "SoftTissue",
}
"""Pattern of a whole word in any case -> the word to use."""

ALLOWED = {
    r"heed\w*|unheeded": ("CHANGELOG.md",),  # names the option's former name
    r"aside": ("studio/src/ui/Panel.tsx",),  # the HTML element
}
"""Pattern -> files, relative to the repository, in which the word is right."""

OPENINGS = ("Nothing;", "What ", "Whether ", "Of ", "How ", "As ", "Where ")


def _texts() -> Iterator[tuple[str, str]]:
    paths = [
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in SUFFIXES and "data" not in path.parts
    ]
    for path in [*paths, *(ROOT / page for page in PAGES)]:
        if path.is_file() and "node_modules" not in path.parts and "api" not in path.stem:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


@pytest.mark.parametrize("word", REPLACED)
def test_replaced_words_do_not_come_back(word: str) -> None:
    pattern = re.compile(rf"(?<![A-Za-z])(?:{word})(?![a-z])", re.IGNORECASE)
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in _texts()
        if name not in ALLOWED.get(word, ())
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"use: {REPLACED[word]}"


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.body[0].lineno}: {text[:80]}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module))
        and (text := ast.get_docstring(node) or "").startswith(OPENINGS)
    ]
    assert not found


def test_the_check_sees_a_replaced_word() -> None:
    assert re.search(rf"(?<![A-Za-z])(?:{'|'.join(REPLACED)})(?![a-z])", "x_told = 1", re.IGNORECASE)
