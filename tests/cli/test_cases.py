from __future__ import annotations

from pathlib import Path

import pytest

from anybone.cli.cases import Case, check_outputs, plan_cases
from anybone.core.errors import NothingFoundError, UsageError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*names: str) -> list[Path]:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [Path(name) for name in names]


def outputs(cases: list[Case]) -> list[str]:
    return [str(case.output) for case in cases]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a/knee.nii.gz", "knee"),
        ("t1.2.nrrd", "t1.2"),
        ("study.zip", "study"),
        ("IM0001", "IM0001"),
        ("k.seg.nrrd", "k"),
    ],
)
def test_the_default_is_beside_the_reader_not_beside_the_input(name: str, stem: str) -> None:
    assert outputs(plan_cases(make(name), None)) == [f"{stem}_bones.nii.gz"]


def test_one_input_takes_a_file_or_a_folder() -> None:
    given = make("knee.nii.gz")
    assert outputs(plan_cases(given, Path("x/y.nrrd"))) == ["x/y.nrrd"]
    assert outputs(plan_cases(given, Path("results"))) == ["results/knee_bones.nii.gz"]
    Path("v1.2").mkdir()
    assert outputs(plan_cases(given, Path("v1.2"))) == ["v1.2/knee_bones.nii.gz"]


def test_many_inputs_need_a_folder() -> None:
    given = make("a.nii", "b.nii")
    assert outputs(plan_cases(given, Path("r.1"))) == ["r.1/a_bones.nii.gz", "r.1/b_bones.nii.gz"]
    with pytest.raises(UsageError, match="2 inputs"):
        plan_cases(given, Path("r.nii.gz"))


def test_a_folder_is_taken_apart_without_earlier_results() -> None:
    make("study/b.nii.gz", "study/a.nrrd", "study/a_bones.nii.gz", "study/notes.txt")
    assert outputs(plan_cases([Path("study")], Path("out"))) == ["out/a_bones.nii.gz", "out/b_bones.nii.gz"]


def test_a_folder_without_images_is_said() -> None:
    make("study/notes.txt")
    with pytest.raises(NothingFoundError, match="study"):
        plan_cases([Path("study")], None)


def test_the_same_input_twice_is_one_case() -> None:
    make("a.nii")
    assert len(plan_cases([Path("a.nii"), Path("../" + Path().resolve().name + "/a.nii")], None)) == 1


def test_like_names_are_told_apart() -> None:
    make("s/one/t1.nii", "s/two/t1.nii", "s/two/t1.nrrd", "s/pd.nii")
    found = {case.input.as_posix(): case.output.name for case in plan_cases([Path("s")], Path("out"))}
    assert found == {
        "s/pd.nii": "pd_bones.nii.gz",
        "s/one/t1.nii": "t1_bones.nii.gz",
        "s/two/t1.nii": "t1_nii_bones.nii.gz",
        "s/two/t1.nrrd": "t1_nrrd_bones.nii.gz",
    }
    make("r/one/t1.nii", "r/two/t1.nii")
    assert outputs(plan_cases([Path("r")], None)) == ["one_t1_bones.nii.gz", "two_t1_bones.nii.gz"]


def test_files_of_a_case_lie_beside_its_mask() -> None:
    case = Case(Path("t1.2.nrrd"), Path("out/t1.2_bones.nii.gz"))
    assert case.preview == Path("out/t1.2_bones.png")
    assert case.label_table == Path("out/t1.2_bones.json")
    assert case.statistics == Path("out/t1.2_bones_statistics.json")


def test_no_input_is_ever_an_output() -> None:
    knee, mask = make("knee.nii.gz", "rough.nii.gz")
    for case, others in [(Case(knee, knee), []), (Case(knee, mask), [mask])]:
        with pytest.raises(UsageError, match="input"):
            check_outputs([case], others, keep_existing=False)
    Path("link.nii.gz").symlink_to(knee)
    with pytest.raises(UsageError, match="input"):
        check_outputs([Case(knee, Path("link.nii.gz"))], [], keep_existing=False)


def test_what_exists_is_kept_unless_told() -> None:
    knee, done = make("knee.nii.gz", "done.nii.gz")
    with pytest.raises(UsageError, match=r"done\.nii\.gz exists already"):
        check_outputs([Case(knee, done)], [], keep_existing=True)
    check_outputs([Case(knee, done)], [], keep_existing=False)


def test_no_input_at_all() -> None:
    with pytest.raises(UsageError, match="No input"):
        plan_cases([], None)
