from __future__ import annotations

import json
import subprocess
import sys
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
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".lock") == ["out.nii.gz", "run.json"]


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
    other = RunRecord(tmp_path / "run.json", {**FACTS, "options": {"axis": 1}, "series": "3"}, resume=True)
    with pytest.raises(UsageError, match="options and series"):
        other.finished(case)


def test_one_command_per_case_keeps_the_cases_of_earlier_commands(tmp_path: Path, case: Case) -> None:
    second = replace(done(case), input="/b.nii.gz", output="/b_bones.nii.gz")
    RunRecord(tmp_path / "run.json", FACTS).add(done(case))
    RunRecord(tmp_path / "run.json", {**FACTS, "series": "3"}).add(second)
    cases = json.loads((tmp_path / "run.json").read_text())["cases"]
    assert [one["output"] for one in cases] == [str(case.output.resolve()), "/b_bones.nii.gz"]
    assert [one["run"]["series"] for one in cases] == [None, "3"]
    assert RunRecord(tmp_path / "run.json", FACTS, resume=True).finished(case) == 0


_ADD_CASES = """
import sys
from pathlib import Path
from anybone.cli.run_record import CaseRecord, RunRecord
path, name = Path(sys.argv[1]), sys.argv[2]
record = RunRecord(path, {})
for n in range(10):
    record.add(CaseRecord(f"/{name}{n}.nii.gz", f"/{name}{n}_bones.nii.gz", 0))
"""


def test_two_processes_lose_no_case(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _ADD_CASES, str(tmp_path / "run.json")]
    processes = [subprocess.Popen([*words, name]) for name in "ab"]
    assert [process.wait() for process in processes] == [0, 0]
    outputs = {case["output"] for case in json.loads((tmp_path / "run.json").read_text())["cases"]}
    assert outputs == {f"/{name}{n}_bones.nii.gz" for name in "ab" for n in range(10)}


@pytest.mark.parametrize("text", ["no json", "{}", '{"anybone": {"layout": 99}, "cases": []}', "[]"])
def test_another_programs_file_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(WriteError, match=r"run\.json"):
        RunRecord(tmp_path / "run.json", FACTS)
    assert (tmp_path / "run.json").read_text() == text
