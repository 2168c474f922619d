from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import anybone
from anybone.inference.segmenter import Segmenter

Run = Callable[..., Result]

ALL_BONE, NO_BONE = "-99", "99"  # thresholds that decide whatever the network answers


def test_one_file_becomes_a_mask_on_its_own_grid(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "--weights", tiny, "--threshold", ALL_BONE)
    assert result.exit_code == 0, result.stderr
    mask = anybone.read_segmentation(limb.parent / "limb_bones.nii.gz")
    assert mask.geometry == anybone.read(limb).geometry
    assert mask.mask.all()
    assert dict(mask.names) == {1: "bone"}
    assert result.stdout.strip() == "limb_bones.nii.gz  bone 4180.4 ml"


def test_run_json_tells_how(run: Run, limb: Path, tiny: Path) -> None:
    run("segment", limb, "--weights", tiny, "-o", "out/a.nrrd", "--threshold", ALL_BONE, "--axis", "2")
    told = json.loads(Path("out/run.json").read_text())
    assert told["version"] == anybone.__version__
    assert told["method"] == "tiny"
    assert told["weights"]["license"] == "CC BY-NC 4.0"
    assert len(told["weights"]["sha256"]) == 64
    assert told["options"]["threshold"] == -99
    assert told["options"]["axis"] == 2
    assert told["device"] == "cpu"
    assert told["exit_code"] == 0
    (case,) = told["cases"]
    assert case["input"] == str(limb)
    assert case["output"] == str(Path("out/a.nrrd").resolve())
    assert case["exit_code"] == 0
    assert {"read", "normalize", "cut", "encode", "decode", "stitch", "write"} <= set(case["timings_s"])


def test_the_license_is_mentioned_once(run: Run, limb: Path, tiny: Path) -> None:
    Path("many").mkdir()
    for name in "ab":
        Path(f"many/{name}.nii.gz").write_bytes(limb.read_bytes())
    result = run("segment", "many", "-o", "out", "--weights", tiny, "--threshold", ALL_BONE)
    assert result.stderr.count("CC BY-NC 4.0") == 1
    assert "CC BY-NC" not in result.stdout


def test_preview_and_statistics(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "--weights", tiny, "--threshold", ALL_BONE, "--preview", "--statistics")
    assert result.exit_code == 0, result.stderr
    assert Path("limb_bones.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(Path("limb_bones_statistics.csv").read_text().splitlines()))
    assert int(rows[0]["voxels"]) == 96 * 96 * 5
    assert json.loads(Path("limb_bones_statistics.json").read_text())["shape_ijk"] == [96, 96, 5]
    files = json.loads(Path("run.json").read_text())["cases"][0]["files"]
    assert all(Path(path).is_file() for path in files.values())


def test_an_empty_result_is_written_and_said(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "--weights", tiny, "--threshold", NO_BONE)
    assert result.exit_code == 4
    assert "No bone was found" in result.stderr
    assert not anybone.read_segmentation("limb_bones.nii.gz").mask.any()
    assert json.loads(Path("run.json").read_text())["cases"][0]["exit_code"] == 4


def test_one_failing_case_leaves_the_others(run: Run, limb: Path, tiny: Path) -> None:
    Path("bad.nii.gz").write_bytes(b"no image")
    result = run("segment", "bad.nii.gz", limb, "-o", "out", "--weights", tiny, "--threshold", ALL_BONE)
    assert result.exit_code == 3
    assert "bad.nii.gz" in result.stderr
    assert "Traceback" not in result.stderr
    assert Path("out/limb_bones.nii.gz").is_file()
    assert [case["exit_code"] for case in json.loads(Path("out/run.json").read_text())["cases"]] == [3, 0]


def test_different_failures_make_exit_code_1(run: Run, limb: Path, tiny: Path) -> None:
    Path("bad.nii.gz").write_bytes(b"no image")
    result = run("segment", "bad.nii.gz", limb, "-o", "out", "--weights", tiny, "--threshold", NO_BONE)
    assert result.exit_code == 1


def test_resume_keeps_what_is_complete(run: Run, limb: Path, tiny: Path) -> None:
    words = ("segment", limb, "other.nii.gz", "-o", "out", "--weights", tiny, "--threshold", ALL_BONE)
    assert run(*words).exit_code == 3  # the other one is missing
    kept = Path("out/limb_bones.nii.gz").stat().st_mtime_ns
    Path("other.nii.gz").write_bytes(limb.read_bytes())
    result = run(*words, "--resume")
    assert result.exit_code == 0, result.stderr
    assert "complete already" in result.stderr
    assert Path("out/limb_bones.nii.gz").stat().st_mtime_ns == kept
    assert Path("out/other_bones.nii.gz").is_file()


def test_resume_makes_a_damaged_result_again(run: Run, limb: Path, tiny: Path) -> None:
    words = ("segment", limb, "--weights", tiny, "--threshold", ALL_BONE)
    run(*words)
    Path("limb_bones.nii.gz").write_bytes(b"cut off")
    assert run(*words, "--resume").exit_code == 0
    assert anybone.read_segmentation("limb_bones.nii.gz").mask.all()


def test_resume_refuses_other_options(run: Run, limb: Path, tiny: Path) -> None:
    run("segment", limb, "--weights", tiny, "--threshold", ALL_BONE)
    result = run("segment", limb, "--weights", tiny, "--threshold", NO_BONE, "--resume")
    assert result.exit_code == 2
    assert "options" in result.stderr


def test_a_result_is_never_lost(run: Run, limb: Path, tiny: Path) -> None:
    words = ("segment", limb, "--weights", tiny, "--threshold", ALL_BONE)
    run(*words)
    again = run(*words)
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert run(*words, "--force").exit_code == 0


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_an_input_is_never_written_over(run: Run, limb: Path, tiny: Path, force: tuple[str, ...]) -> None:
    before = limb.read_bytes()
    result = run("segment", limb, "-o", limb, "--weights", tiny, *force)
    assert result.exit_code == 2
    assert "input" in result.stderr
    assert limb.read_bytes() == before


def test_fast_encodes_every_second_slice(run: Run, limb: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    segment = Segmenter.segment

    def watched(self: Segmenter, volume, options=None, *, progress=None):  # type: ignore[no-untyped-def]
        return segment(self, volume, options, progress=lambda step, done, total: encoded.append(total))

    monkeypatch.setattr(Segmenter, "segment", watched)
    run("segment", limb, "--weights", tiny, "--fast")
    assert max(encoded) == 3  # slices 0, 2 and 4 of five


def test_input_may_be_an_option(run: Run, limb: Path, tiny: Path) -> None:
    assert run("segment", "-i", limb, "-o", "a.mha", "--weights", tiny, "--threshold", ALL_BONE).exit_code == 0
    assert anybone.read_segmentation("a.mha").mask.all()


def test_quiet_prints_nothing(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "-q", "--weights", tiny, "--threshold", ALL_BONE)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_verbose_prints_timings(run: Run, limb: Path, tiny: Path) -> None:
    result = run("segment", limb, "-v", "--weights", tiny, "--threshold", ALL_BONE)
    assert "encode" in result.stderr


def test_published_preprocessing(run: Run, limb: Path, tiny: Path) -> None:
    run("segment", limb, "--weights", tiny, "--preprocessing", "published", "--threshold", ALL_BONE)
    options = json.loads(Path("run.json").read_text())["options"]
    assert (options["upsampling"], options["min_component_mm3"]) == ("nearest", 0)


def test_cleaning_options_are_passed_on(run: Run, limb: Path, tiny: Path) -> None:
    words = ("--min-component-mm3", 7, "--max-hole-mm3", 8, "--min-signal", 0.5)
    run("segment", limb, "--weights", tiny, *words)
    options = json.loads(Path("run.json").read_text())["options"]
    assert (options["min_component_mm3"], options["max_hole_mm3"], options["min_signal"]) == (7, 8, 0.5)


def test_cortex_needs_no_weights(run: Run, limb: Path, limb_files: tuple[Path, Path]) -> None:
    result = run("segment", limb, "--method", "classical")
    assert result.exit_code == 0, result.stderr
    found, truth = anybone.read_segmentation("limb_bones.nii.gz"), anybone.read_segmentation(limb_files[1])
    assert 2 * (found.mask & truth.mask).sum() / (found.mask.sum() + truth.mask.sum()) > 0.4
    assert json.loads(Path("run.json").read_text())["weights"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--method", "classical", "--weights", "x"), "not both"),
        (("--method", "nonesuch"), "classical"),
        (("--method", "classical", "-o", "a.obj"), ".nii.gz"),
        (("--method", "classical", "--propagate"), "--point"),
        (("--method", "classical", "--point", "1,2,3", "--fast"), "--fast"),
        (("--method", "classical", "--point", "1,2,3", "--from", 3, "--to", 1), "--from"),
        (("--method", "classical", "limb.nii.gz", "also.nii.gz", "--point", "1,2,3"), "one volume"),
        (("--method", "classical", "--axis", "5"), "--axis"),
        (("--method", "classical", "--device", "abacus"), "abacus"),
        (("--bogus",), "--bogus"),
    ],
)
def test_what_cannot_be_meant_is_exit_code_2(run: Run, limb: Path, words: tuple[object, ...], told: str) -> None:
    result = run("segment", limb, *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not list(Path().glob("*_bones*"))


def test_without_weights_the_way_on_is_told(run: Run, limb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anybone.models.registry.DEFAULT_NAME", "absent")
    result = run("segment", limb)
    assert result.exit_code == 3
    assert "--method classical" in result.stderr


def test_damaged_weights_end_the_run_at_once(run: Run, limb: Path, tiny: Path) -> None:
    whole = tiny.read_bytes()
    Path("cut.safetensors").write_bytes(whole[: len(whole) // 2])
    Path("other.nii.gz").write_bytes(limb.read_bytes())
    result = run("segment", limb, "other.nii.gz", "-o", "out", "--weights", "cut.safetensors")
    assert result.exit_code == 3
    assert result.stderr.count("error:") == 1
    assert json.loads(Path("out/run.json").read_text())["exit_code"] == 3


def test_a_folder_that_cannot_be_made_shows_before_the_work(
    run: Run, limb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anybone.io.read", lambda *a, **k: pytest.fail("the volume was read"))
    Path("file").touch()
    result = run("segment", limb, "--method", "classical", "-o", "file/out.nii.gz")
    assert result.exit_code == 1
    assert "file" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_interrupt_keeps_finished_cases(run: Run, limb: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.nii.gz").write_bytes(limb.read_bytes())
    segment, calls = Segmenter.segment, iter([True, False])

    def interrupted(self: Segmenter, *args, **kwargs):  # type: ignore[no-untyped-def]
        if next(calls):
            return segment(self, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Segmenter, "segment", interrupted)
    result = run("segment", limb, "other.nii.gz", "-o", "out", "--weights", tiny, "--threshold", ALL_BONE)
    assert result.exit_code == 130
    assert "--resume" in result.stderr
    told = json.loads(Path("out/run.json").read_text())
    assert told["exit_code"] == 130
    assert [case["exit_code"] for case in told["cases"]] == [0]
    assert np.all(anybone.read_segmentation("out/limb_bones.nii.gz").mask)


def test_a_bug_in_one_case_is_named_as_one(run: Run, limb: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(Segmenter, "segment", broken)
    result = run("segment", limb, "--weights", tiny)
    assert result.exit_code == 1
    assert "bug" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in run("segment", limb, "--weights", tiny, "-vv").stderr


def test_16_bits_are_an_option(run: Run, limb: Path, tiny: Path) -> None:
    assert run("segment", limb, "--weights", tiny, "--bfloat16", "--threshold", ALL_BONE).exit_code == 0
    assert json.loads(Path("run.json").read_text())["options"]["bfloat16"] is True


def test_a_folder_may_have_a_dot_in_its_name(run: Run, limb: Path) -> None:
    result = run("segment", limb, "-o", "results_v0.2", "--method", "classical")
    assert result.exit_code == 0, result.stderr
    assert Path("results_v0.2/limb_bones.nii.gz").is_file()


def test_a_name_without_a_prompt_is_refused(run: Run, limb: Path) -> None:
    result = run("segment", limb, "--method", "classical", "--name", "femur")
    assert result.exit_code == 2
    assert "--point" in result.stderr
