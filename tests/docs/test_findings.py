"""The page of findings matches the committed results."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from anybone.evaluation.jobs import Figures, Job
from anybone.evaluation.results import Results

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def findings() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("anybone_findings", ROOT / "docs" / "findings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_page_and_its_plots_are_what_the_results_make(findings: ModuleType) -> None:
    found = findings.results()
    assert findings.PAGE.read_text(encoding="utf-8") == findings.page(found)
    plots = findings.plots(found)
    assert {path.name for path in findings.PLOTS.glob("*.svg")} == set(plots)
    for name in plots:
        assert f"../img/findings/{name}" in findings.page(found)


def test_no_patient_is_shown(findings: ModuleType) -> None:
    assert {path.name for path in findings.PLOTS.glob("*.png")} == set(findings.WORST)
    assert all(name.startswith("worst-") for name in findings.WORST)


def made(shift: float, subjects: int = 12, second: str = "theirs", split: str = "standard") -> Results:
    """Return the results of two methods whose Dice differs by about `shift`."""

    def figures(name: str, off: float) -> Figures:
        cases = tuple(
            {
                "name": f"c{n}",
                "patient": f"c{n}",
                "facts": {"data": "synthetic" if n % 2 else "patients", "location": "arm" if n % 3 else "leg"},
                "metrics": {"dsc": 0.6 + 0.01 * n + off * (1 + n / 100), "hd95_mm": None if n == 0 else 9.0},
            }
            for n in range(subjects)
        )
        return Figures(Job(name, "standard", 0), cases, 7, 0.5, 1000)

    scale = {
        "minutes": 0.5,
        "steps": 0,
        "size_px": 96,
        "batch": 4,
        "learning_rate": 0.001,
        "split": split,
        "seeds": 1,
        "threads": 1,
        "device": "cpu",
        "start": "",
    }
    told = {"ours": "this one", second: "that one"}
    both = (figures("ours", 0), figures(second, shift))
    return Results("Test", "Which?", ("ours", second), told, scale, ("data", "location"), (), both)


@pytest.mark.parametrize(
    ("shift", "row"),
    [
        (0.1, "| **Test** | 12 | ours | theirs (+0.105) |  |  |"),
        (-0.1, "| **Test** | 12 | ours |  | theirs (-0.105) |  |"),
        (0.0, "| **Test** | 12 | ours |  |  | theirs (+0.000) |"),
    ],
)
def test_claims_follow_from_the_numbers(findings: ModuleType, shift: float, row: str) -> None:
    page = findings.page({"test": made(shift)})
    assert row in page
    assert "all, n = 12 | patients, n = 6 | synthetic, n = 6" in page
    assert "9 (9 to 9), n = 11" in page
    assert set(findings.plots({"test": made(shift)})) == {"test-location.svg"}


def test_few_subjects_show_no_difference(findings: ModuleType) -> None:
    assert "| **Test** | 5 | ours |  |  | theirs (+0.30" in findings.page({"test": made(0.3, subjects=5)})


def test_page_without_results(findings: ModuleType) -> None:
    assert "There are no results yet" in findings.page({})
    assert replace(made(0), figures=()).metrics == []


def test_learning_rates_are_compared(findings: ModuleType) -> None:
    page = findings.page({"test": made(0.1, second="ours @ 0.0003")})
    assert "| Test | ours | 0.655 with 0.001, 0.760 with 0.0003 |" in page
    assert "Dice by learning rate" not in findings.page({"test": made(0.1)})


def test_unseen_data_are_compared_with_seen(findings: ModuleType) -> None:
    unseen = replace(made(-0.2, split="leave one out"), name="Unseen")
    page = findings.page({"networks": made(0.1), "unseen": unseen})
    rows = [line for line in page.splitlines() if line.startswith("| Unseen: ")]
    assert [row.split(" | ")[1] for row in rows] == ["12", "12"]
    assert "| +0.000, +0.000 to +0.000 | 1 |" in rows[0]  # ours is the same in both
    assert "-0.31" in rows[1]
    assert "unseen data" not in findings.page({"networks": made(0.1)})
