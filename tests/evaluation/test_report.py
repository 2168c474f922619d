"""Folders and manifests of cases -> a report, its files and its page."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser

import numpy as np
import pytest

import anybone
from anybone.core.errors import GeometryError, NothingFoundError, ReadError
from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.evaluation.matching import match
from anybone.evaluation.page import write_page
from anybone.evaluation.report import evaluate_cases
from anybone.evaluation.report_files import read_json, write_csv, write_json
from anybone.evaluation.scores import Measures
from anybone.io.tables import read_rows


def save(path, shift: int = 0, label: int = 1, shape=(16, 16, 5)) -> None:
    labels = np.zeros(shape, dtype=np.uint16)
    labels[3 + shift : 9 + shift, 4:10, 1:4] = label
    anybone.write(Segmentation(labels, Geometry(shape, np.diag([1, 1, 3, 1])), {1: "bone", 7: "not known"}), path)


@pytest.fixture
def cases(tmp_path):
    """Three truths and predictions, moved by 0, 1 and 2 voxels."""
    for shift, name in enumerate("abc"):
        save(tmp_path / "truth" / f"{name}.nii.gz")
        save(tmp_path / "found" / f"{name}_bones.nii.gz", shift)
    return tmp_path


def manifest(folder, rows) -> None:
    with (folder / "cases.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def test_folders_are_matched_by_name(cases):
    save(cases / "found" / "stray_bones.nii.gz")
    save(cases / "found" / "a_bones_probability.nii.gz")
    found = match(cases / "found", cases / "truth")
    assert [(one.name, one.prediction.name) for one in found.cases] == [(n, f"{n}_bones.nii.gz") for n in "abc"]
    assert [path.name for path in found.unmatched] == ["stray_bones.nii.gz"]
    report = evaluate_cases(found.cases)
    assert [one.values["dsc"] for one in report.of()] == pytest.approx([1, 10 / 12, 8 / 12])
    assert report.summaries()[0]["metrics"]["dsc"]["mean"] == pytest.approx(10 / 12)


def test_a_missing_prediction_is_refused_or_counts_as_empty(cases):
    (cases / "found" / "b_bones.nii.gz").unlink()
    with pytest.raises(NothingFoundError, match=r"1 of 3 cases have no prediction .* b\."):
        match(cases / "found", cases / "truth")
    report = evaluate_cases(match(cases / "found", cases / "truth", missing_is_empty=True).cases)
    assert [one.values["dsc"] for one in report.of()] == pytest.approx([1, 0, 8 / 12])
    assert "b" in report.notes[-1]


def test_a_manifest_tells_patients_and_strata(cases):
    rows = [
        {"truth": f"truth/{n}.nii.gz", "patient": p, "sequence": s, "region": "knee", "prediction": f"{n}_bones.nii.gz"}
        for n, p, s in zip("abc", ["p1", "p1", "p2"], ["t1", "t2", "t2"], strict=True)
    ]
    manifest(cases, rows)
    report = evaluate_cases(match(cases / "found", cases / "cases.csv").cases)
    assert report.by == ("sequence",)  # regions do not differ
    summary = report.summaries()
    assert summary[0]["metrics"]["dsc"]["mean"] == pytest.approx((11 / 12 + 8 / 12) / 2)  # patients, not cases
    by = {row["by"]["sequence"]: row["metrics"]["dsc"]["mean"] for row in summary[1:]}
    assert by == pytest.approx({"t1": 1, "t2": (10 / 12 + 8 / 12) / 2})
    assert summary[0]["caution"].startswith("2 patients: nothing can be said")


def test_a_manifest_tells_where_the_truth_is_not_known(cases):
    save(cases / "truth" / "d.nii.gz", label=7)
    manifest(cases, [{"bones": "truth/d.nii.gz", "ignore_label": "7", "prediction": "a_bones.nii.gz"}])
    report = evaluate_cases(match(cases / "found", cases / "cases.csv").cases)
    assert report["bone"].empty == "both"
    manifest(cases, [{"bones": "truth/d.nii.gz", "ignore_label": "air"}])
    with pytest.raises(ReadError, match="number of a label"):
        match(cases / "found", cases / "cases.csv")


def test_the_truth_against_itself_is_perfect_in_every_stratum(cases):
    manifest(cases, [{"label": f"truth/{n}.nii.gz", "sequence": s} for n, s in zip("abc", "xyx", strict=True)])
    for row in evaluate_cases(match(cases / "truth", cases / "cases.csv").cases).summaries():
        values = {name: metric["mean"] for name, metric in row["metrics"].items()}
        expected = {"dsc": 1, "nsd": 1, "nsd_1mm": 1, "f1": 1, "hd95_mm": 0, "assd_mm": 0, "volume_error": 0}
        assert values == expected


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"picture": "a.nii.gz"}], "needs a truth"),
        ([{"truth": "truth/a.nii.gz"}, {"truth": "truth/a.nii.gz"}], "the same name"),
        ([{"truth": "truth/a.nii.gz"}, {"truth": "truth/b.nii.gz", "prediction": "a_bones.nii.gz"}], "same prediction"),
    ],
)
def test_manifests_that_cannot_be_meant(cases, rows, message):
    manifest(cases, [{key: row.get(key, "") for key in rows[-1]} for row in rows])
    with pytest.raises(ReadError, match=message):
        match(cases / "found", cases / "cases.csv")


def test_files_that_do_not_fit_are_refused_by_name(cases):
    save(cases / "found" / "b_bones.nii.gz", shape=(16, 16, 6))
    with pytest.raises(GeometryError, match="b: The masks have different grids"):
        evaluate_cases(match(cases / "found", cases / "truth").cases)
    with pytest.raises(ReadError, match="one file, but"):
        match(cases / "found" / "a_bones.nii.gz", cases / "truth")
    with pytest.raises(ReadError, match="does not exist"):
        match(cases / "nowhere", cases / "truth")
    save(cases / "found" / "a_old.nii.gz")
    with pytest.raises(ReadError, match="several predictions"):
        match(cases / "found", cases / "truth")


def test_a_report_is_read_as_it_was_written(cases):
    report = evaluate_cases(match(cases / "found", cases / "truth").cases, Measures(slices=True, overlaps=(0.5, 0.3)))
    write_json(report, cases / "report.json")
    content = json.loads((cases / "report.json").read_text())
    assert {"name", "label", "dsc", "nsd", "hd95_mm", "assd_mm"} <= set(content["cases"][0])
    again = read_json(cases / "report.json")
    assert again.measures == report.measures
    assert [one.values for one in again.scores] == [pytest.approx(one.values, abs=1e-6) for one in report.scores]
    assert again.scores[1].slices[2].dsc == pytest.approx(10 / 12, abs=1e-6)
    write_csv(report, cases / "cases.csv")
    rows = read_rows(cases / "cases.csv")
    assert [float(row["dsc"]) for row in rows] == pytest.approx([1, 10 / 12, 8 / 12], abs=1e-6)
    assert len(read_rows(cases / "cases_slices.csv")) == 15
    (cases / "report.json").write_text("{}")
    with pytest.raises(ReadError, match="no report"):
        read_json(cases / "report.json")


def test_the_page_holds_all_it_needs(cases):
    manifest(cases, [{"truth": f"truth/{n}.nii.gz", "sequence": f"<{n}&>"} for n in "abc"])
    report = evaluate_cases(match(cases / "found", cases / "cases.csv").cases)
    write_page(report, cases / "page.html", "<x> against y")
    text = (cases / "page.html").read_text()
    tags: list[str] = []
    links: list[str] = []

    class Look(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append(tag)
            links.extend(v for k, v in attrs if k in ("src", "href") and v and not v.startswith("#"))

    Look().feed(text)
    assert tags.count("svg") == 2
    assert not links  # nothing is fetched
    assert "&lt;x&gt; against y" in text
    assert "<b&>" not in text
    write_page(report, cases / "again.html", "<x> against y")
    assert (cases / "again.html").read_text() == text
