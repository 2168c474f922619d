from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from anybone.cli.cases import Case
from anybone.cli.run_record import CaseRecord, RunRecord
from anybone.core.errors import UsageError, WriteError

FACTS = {"method": "classical", "weights": None, "options": {"axis": 2}, "prompts": None, "series": None, "frame": None}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    made = Case(tmp_path / "in.nii.gz", tmp_path / "out.nii.gz")
    made.output.write_bytes(b"12345")
    return made


def done(case: Case) -> CaseRecord:
    return CaseRecord(str(case.input.resolve()), str(case.output.resolve()), 0, output_bytes=5, device="cpu")


def test_the_file_is_whole_after_every_case(tmp_path: Path, case: Case) -> None:
    record = RunRecord(tmp_path / "run.json", FACTS)
    record.add(done(case))
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["exit_code"] is None
    assert told["finished"] is None
    assert told["device"] == "cpu"
    assert told["cases"][0]["output_bytes"] == 5
    record.write(0)
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["exit_code"] == 0
    assert told["finished"] >= told["started"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.nii.gz", "run.json"]


def test_finished_cases_are_known_when_resumed(tmp_path: Path, case: Case) -> None:
    RunRecord(tmp_path / "run.json", FACTS).add(done(case))
    assert RunRecord(tmp_path / "run.json", FACTS).finished(case) is None
    assert RunRecord(tmp_path / "run.json", FACTS, resume=True).finished(case) == 0
    other = Case(tmp_path / "other.nii.gz", case.output)
    assert RunRecord(tmp_path / "run.json", FACTS, resume=True).finished(other) is None


def test_an_empty_result_is_finished_with_its_own_code(tmp_path: Path, case: Case) -> None:
    RunRecord(tmp_path / "run.json", FACTS).add(replace(done(case), exit_code=4))
    assert RunRecord(tmp_path / "run.json", FACTS, resume=True).finished(case) == 4


def test_a_mask_of_another_size_or_none_is_not_finished(tmp_path: Path, case: Case) -> None:
    RunRecord(tmp_path / "run.json", FACTS).add(done(case))
    case.output.write_bytes(b"123")
    assert RunRecord(tmp_path / "run.json", FACTS, resume=True).finished(case) is None
    case.output.unlink()
    assert RunRecord(tmp_path / "run.json", FACTS, resume=True).finished(case) is None


def test_a_failed_case_is_not_finished(tmp_path: Path, case: Case) -> None:
    failed = CaseRecord(str(case.input.resolve()), str(case.output.resolve()), 3, "damaged")
    RunRecord(tmp_path / "run.json", FACTS).add(failed)
    assert RunRecord(tmp_path / "run.json", FACTS, resume=True).finished(case) is None


def test_a_run_of_another_kind_is_not_gone_on_with(tmp_path: Path, case: Case) -> None:
    RunRecord(tmp_path / "run.json", FACTS).add(done(case))
    with pytest.raises(UsageError, match="options and series"):
        RunRecord(tmp_path / "run.json", {**FACTS, "options": {"axis": 1}, "series": "3"}, resume=True)


@pytest.mark.parametrize("text", ["no json", "{}", '{"anybone": {"layout": 99}, "cases": []}', "[]"])
def test_another_programs_file_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(WriteError, match=r"run\.json"):
        RunRecord(tmp_path / "run.json", FACTS)
    assert (tmp_path / "run.json").read_text() == text
