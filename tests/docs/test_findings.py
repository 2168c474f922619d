"""The page of findings is what the committed results make, and nothing else."""

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


def made(shift: float, people: int = 12, second: str = "theirs", split: str = "standard") -> Results:
    """Two contenders on some people, the second of whom is off by so much, but for a little."""

    def figures(name: str, off: float) -> Figures:
        cases = tuple(
            {
                "name": f"c{n}",
                "patient": f"c{n}",
                "facts": {"data": "synthetic" if n % 2 else "patients", "location": "arm" if n % 3 else "leg"},
                "metrics": {"dsc": 0.6 + 0.01 * n + off * (1 + n / 100), "hd95_mm": None if n == 0 else 9.0},
            }
            for n in range(people)
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
    ("shift", "told"),
    [
        (0.1, "better than ours: theirs (+0.10"),
        (-0.1, "worse: theirs (-0.10"),
        (0.0, "no difference shown: theirs (+0.000"),
    ],
)
def test_claims_follow_from_the_numbers(findings: ModuleType, shift: float, told: str) -> None:
    page = findings.page({"test": made(shift)})
    assert told in page
    assert "**Test** (12 people" in page
    assert "all, n = 12 | patients, n = 6 | synthetic, n = 6" in page
    assert "9 (9 to 9), n = 11" in page
    assert "one training of each contender" in page
    assert set(findings.plots({"test": made(shift)})) == {"test-location.svg"}


def test_few_people_show_nothing_however_far_apart(findings: ModuleType) -> None:
    assert "no difference shown: theirs (+0.30" in findings.page({"test": made(0.3, people=5)})


def test_without_results_the_page_says_so(findings: ModuleType) -> None:
    assert "Nothing has been kept yet" in findings.page({})
    assert replace(made(0), figures=()).metrics == []


def test_rates_that_were_tried_are_told_side_by_side(findings: ModuleType) -> None:
    assert "ours 0.655 with 0.001, 0.760 with 0.0003." in findings.page({"test": made(0.1, second="ours @ 0.0003")})
    assert "Dice by learning rate" not in findings.page({"test": made(0.1)})


def test_what_was_never_seen_is_set_beside_what_was(findings: ModuleType) -> None:
    unseen = replace(made(-0.2, split="leave one out"), name="Unseen")
    page = findings.page({"networks": made(0.1), "unseen": unseen})
    rows = [line for line in page.splitlines() if line.startswith("| Unseen: ")]
    assert [row.split(" | ")[1] for row in rows] == ["12", "12"]
    assert "| +0.000, +0.000 to +0.000 | 1 |" in rows[0]  # ours is the same in both
    assert "-0.31" in rows[1]
    assert "never seen" not in findings.page({"networks": made(0.1)})
