"""What the reference pages list is what the code has; what links and messages name is there."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from anybone.cli.prompt_input import read_prompts_file
from anybone.cli.recipe import read_recipe
from anybone.cli.run_record import CaseRecord, RunRecord
from anybone.core import errors
from anybone.export.table import ComponentStatistics
from anybone.inference.options import SegmentOptions
from anybone.io import FORMATS
from anybone.io.label_table import from_json

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
_CODE = re.compile(r"^\s*```.*?^\s*```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)[^)]*\)")


def section(page: str, heading: str) -> str:
    """What stands under a heading of a reference page, up to the next one."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text, heads left out."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def block(page: Path, kind: str) -> str:
    """The only block of that kind in a text that has one."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


def told(value: object) -> str:
    """A value as the page of options says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"


def test_every_option_has_a_row_with_its_defaults() -> None:
    table = {row[0].strip("`"): row[1:] for row in rows((REFERENCE / "options.md").read_text(encoding="utf-8"))}
    assert list(table) == [field.name for field in fields(SegmentOptions)]
    for name, (default, published, *_) in table.items():
        if name in ("preprocessing", "axis"):
            continue  # said in words
        found = [told(getattr(options, name)) for options in (SegmentOptions(), SegmentOptions("published"))]
        assert [default, published] == found, name


def test_the_options_that_the_page_names_are_those_of_the_command() -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8").split("## anybone segment", 1)[1].split("\n## ", 1)[0]
    for name, *_, spelling, _ in rows((REFERENCE / "options.md").read_text(encoding="utf-8")):
        for option in re.findall(r"--[a-z0-9-]+", spelling):
            assert f"`{option}`" in text, name


def test_the_tree_of_errors_is_the_tree_of_classes() -> None:
    lines = re.findall(r"^(.*?)(\w+Error)\s+(\d)$", section("errors.md", "The tree"), re.MULTILINE)
    above: dict[int, str] = {}
    shown = {}
    for indent, name, code in lines:
        depth = len(indent) // 4
        above[depth] = name
        shown[name] = (above.get(depth - 1, "Exception"), int(code))
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert shown == {kind.__name__: (kind.__base__.__name__, kind.exit_code) for kind in classes}


def test_the_suffixes_are_those_of_the_formats() -> None:
    read = section("files.md", "What is read")
    written = section("files.md", "What is written").partition("| the mask")[0]
    for kind in FORMATS.values():
        assert [s for s in kind.suffixes if f"`{s}`" not in read] == []
        assert [s for s in kind.write_suffixes if s not in written] == []


def test_every_column_of_statistics_is_listed() -> None:
    listed = section("files.md", "Statistics")
    assert [f.name for f in fields(ComponentStatistics) if f"`{f.name}`" not in listed] == []


def test_every_field_of_a_run_is_listed(tmp_path: Path) -> None:
    listed = section("files.md", "run.json")
    record = RunRecord(tmp_path / "run.json", {})
    record.write(0)
    names = [*json.loads(record.path.read_text()), *(field.name for field in fields(CaseRecord))]
    assert [name for name in names if f"`{name}`" not in listed and f"`{name}[]`" not in listed] == []


def test_the_prompts_that_are_shown_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text(re.findall(r"```json\n(.*?)```", section("files.md", "Prompts"), re.DOTALL)[0])
    hints = read_prompts_file(path, bone="bone", world=False)
    assert [hint.kind for hint in hints] == ["point", "point", "box", "scribble", "lasso", "mask"]
    assert [hint.bone for hint in hints] == ["femur", "femur", "femur", "bone", "bone", "tibia"]


def test_the_names_of_labels_that_are_shown_can_be_read() -> None:
    table = from_json(re.findall(r"```json\n(.*?)```", section("files.md", "Label names"), re.DOTALL)[0])
    assert table is not None
    assert (table.names, table.scores) == ({1: "left femur"}, {1: 0.93})


def test_the_configuration_that_is_shown_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(block(DOCS / "how-to" / "train.md", "toml"))
    config = read_recipe(path).training
    assert (config.steps, config.batch, config.augmentation.invert) == (20000, 16, 0.2)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_pages_that_code_names_are_there() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), ROOT / "Makefile"]
    named = {name for path in sources for name in re.findall(r"docs/[\w/-]+\.md", path.read_text(encoding="utf-8"))}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_documented_name_exists() -> None:
    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    missing = []
    for name in re.findall(r"^::: (\S+)$", page, re.MULTILINE):
        module, _, attribute = name.rpartition(".")
        try:
            importlib.import_module(name)
        except ImportError:
            if not hasattr(importlib.import_module(module), attribute):
                missing.append(name)
    assert not missing
