"""A benchmark runs, goes on after a kill without doing anything twice, and keeps what it found."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import anybone
from anybone.core.errors import InputError, MissingExtraError, NothingFoundError, ReadError, UsageError
from anybone.evaluation import benchmark as run
from anybone.evaluation import jobs
from anybone.evaluation.benchmark_page import summary_rows, write_benchmark_page
from anybone.evaluation.methods import method
from anybone.evaluation.protocols import Measure, Split, folds
from anybone.evaluation.results import Results, read_results, write_results
from anybone.evaluation.training_runs import train_method
from anybone.training import loop
from small_benchmark import small_cases, small_maps, small_protocol


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    small_cases(folder)
    small_maps(folder / "maps")
    return folder


@pytest.fixture
def protocol(world):
    return small_protocol(world / "limbs.csv")


def test_a_killed_benchmark_goes_on_without_repeating_anything(protocol, tmp_path, monkeypatch):
    protocol = replace(protocol, methods=("ours", "decoder", "classical"), seeds=(0, 1), measure=Measure(clicks=(0, 1)))
    steps, step = [], loop.one_step

    def killed_in_its_fifth(*args):
        if len(steps) == 4:
            raise KeyboardInterrupt
        steps.append(1)
        return step(*args)

    monkeypatch.setattr(loop, "one_step", killed_in_its_fifth)
    with pytest.raises(KeyboardInterrupt):
        run.benchmark(protocol, tmp_path)
    assert (tmp_path / "jobs/ours/standard/0/figures.json").is_file()
    assert not (tmp_path / "jobs/ours/standard/0/training").exists()
    assert (tmp_path / "jobs/decoder/standard/0/training/0-decoder/checkpoint.pt").is_file()
    first = (tmp_path / "jobs/ours/standard/0/figures.json").stat().st_mtime_ns

    monkeypatch.setattr(loop, "one_step", lambda *args: steps.append(1) or step(*args))
    told = []
    figures = run.benchmark(protocol, tmp_path, finished=told.append)
    assert len(steps) == 4 * 3  # of four trainings, none of them twice
    assert (tmp_path / "jobs/ours/standard/0/figures.json").stat().st_mtime_ns == first
    assert [one.job.name for one in figures] == [
        "ours/standard/0", "decoder/standard/0", "classical/standard/0", "ours/standard/1", "decoder/standard/1",
    ]  # fmt: skip
    assert [(one.done, one.total) for one in told] == [(n, 5) for n in (2, 3, 4, 5)]
    assert told[0].left_s > told[-1].left_s == 0
    assert {one.steps for one in figures if one.job.method != "classical"} == {3}
    assert (tmp_path / "jobs/decoder/standard/1/worst_limbs.png").is_file()
    assert all(set(case["clicks"]) == {"0", "1"} for one in figures for case in one.cases)
    assert run.benchmark(protocol, tmp_path) == figures
    assert len(steps) == 12
    _results_are_kept(Results.of(protocol, figures), tmp_path)


def _results_are_kept(results: Results, folder: Path) -> None:
    write_results(results, folder)
    again = read_results(folder / "results.json")
    assert again.figures == tuple(results.figures)
    assert again.summary("ours") == results.summary("ours")
    rows = list(csv.DictReader((folder / "cases.csv").read_text().splitlines()))
    assert len(rows) == 5 * 2
    assert {"method", "fold", "seed", "patient", "location", "dsc", "nsd", "hd95_mm", "dsc_after_1"} <= set(rows[0])
    write_benchmark_page(again, folder / "page.html")
    page = (folder / "page.html").read_text()
    assert page.count("<svg") == 2  # by location, and clicks
    assert "2 trainings of each method" in page
    assert "nothing can be said about others" in page


def test_both_seeds_of_a_patient_count_once(protocol):
    def figures(name, seed, dsc):
        cases = ({"name": "a", "patient": "a", "facts": {"data": "x"}, "metrics": {"dsc": dsc}, "empty": ""},)
        return jobs.Figures(jobs.Job(name, "standard", seed), cases)

    made = [figures("ours", 0, 0.5), figures("ours", 1, 0.7), figures("decoder", 0, 0.9)]
    results = Results.of(replace(protocol, methods=("ours", "decoder"), seeds=(0, 1)), made)
    assert results.by_patient("ours") == {"a": pytest.approx(0.6)}
    assert results.compared()["decoder"].difference == pytest.approx(0.3)
    assert summary_rows(results)[1][:3] == ["ours", "1", "0.600"]


def test_truth_as_prediction_is_perfect_everywhere(protocol, world, tmp_path):
    protocol = replace(protocol, methods=("theirs",), masks={"theirs": world / "masks"})
    results = Results.of(protocol, run.benchmark(protocol, tmp_path))
    for key, value in [*results.strata(), ("data", "limbs")]:
        assert results.summary("theirs", **{key: value}).mean == 1
        assert results.summary("theirs", "hd95_mm", **{key: value}).mean == 0


def test_a_mask_shifted_by_a_voxel(protocol, world, tmp_path):
    for number in (2, 3):
        truth = anybone.read_segmentation(world / f"masks/{number}.nii.gz")
        moved = replace(truth, labels=np.roll(np.where(truth.labels == 255, 0, truth.labels), 1, axis=0))
        anybone.write(moved, tmp_path / f"moved/{number}.nii.gz")
    protocol = replace(protocol, methods=("moved",), masks={"moved": tmp_path / "moved"})
    (figures,) = run.benchmark(protocol, tmp_path / "out")
    labels = anybone.read_segmentation(world / "masks/2.nii.gz").labels
    truth = (labels > 0) & (labels < 255)
    expected = (truth & np.roll(truth, 1, axis=0)).sum() / truth.sum()
    assert figures.cases[0]["metrics"]["dsc"] == pytest.approx(expected, abs=1e-5)
    (tmp_path / "moved/3.nii.gz").unlink()
    with pytest.raises(NothingFoundError, match="0 masks of 3"):
        run.benchmark(protocol, tmp_path / "again")


def test_runs_start_from_the_previous_one(protocol, world, tmp_path):
    protocol = replace(protocol, training=replace(protocol.training, steps=5))
    (fold,) = folds(protocol)
    taught = train_method(method("gate"), protocol, fold, 0, tmp_path / "gate", tmp_path / "slices.safetensors")
    assert taught.steps == 3 + 1 + 1
    assert taught.network.uses_volume
    assert taught.minutes > 0
    assert (tmp_path / "gate/2-fusion-and-heads/weights.safetensors").is_file()


def test_label_maps_of_what_is_left_out_are_not_learned_from(protocol, world, tmp_path, monkeypatch):
    learned = []
    monkeypatch.setattr("anybone.evaluation.training_runs.load", lambda path: learned.append(path.stem) or _load(path))
    sources = {"synthetic": 1.0}
    protocol = replace(
        protocol,
        corpus=(world / "maps",),
        split=Split("leave one out", "location", ("arm",)),
        training=replace(protocol.training, steps=1, sources=sources),
    )
    (figures,) = run.benchmark(protocol, tmp_path)
    assert learned == ["thigh_0"]
    assert [case["facts"]["location"] for case in figures.cases] == ["arm"]
    with pytest.raises(UsageError, match="no real data"):
        run.benchmark(
            replace(protocol, methods=("real alone",), split=Split("train on", "sequence", ("pd",))), tmp_path / "x"
        )


def _load(path):
    from anybone.synthetic.label_map import load

    return load(path)


def test_minutes_become_steps_that_stay(protocol, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "steps_within", lambda *args, **more: 2)
    (figures,) = run.benchmark(replace(protocol, minutes=0.01), tmp_path)
    assert figures.steps == 2


def test_another_protocol_in_the_folder_is_refused(protocol, world, tmp_path):
    protocol = replace(protocol, methods=("theirs",), masks={"theirs": world / "masks"})
    run.benchmark(protocol, tmp_path)
    run.benchmark(replace(protocol, seeds=(0, 1)), tmp_path)
    with pytest.raises(InputError, match="other minutes"):
        run.benchmark(replace(protocol, minutes=3.0), tmp_path)


def test_names_that_there_are_not(protocol, tmp_path):
    with pytest.raises(UsageError, match="engine"):
        run.benchmark(protocol, tmp_path, engine="steam")
    with pytest.raises(UsageError, match="method 'me'"):
        run.benchmark(replace(protocol, methods=("me",)), tmp_path)
    (tmp_path / "results.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(ReadError, match="no results"):
        read_results(tmp_path / "results.json")


def test_ray_spreads_the_jobs(protocol, world, tmp_path, monkeypatch):
    asked = {}

    class Remote:
        def __init__(self, function):
            self.function = function

        def remote(self, *args):
            return lambda: self.function(*args)

    def remote(**options):
        asked.update(options)
        return Remote

    fake = SimpleNamespace(
        init=lambda **options: None,
        remote=remote,
        wait=lambda waiting, num_returns: (waiting[-1:], waiting[:-1]),  # the last is ready first
        get=lambda one: one(),
    )
    monkeypatch.setitem(sys.modules, "ray", fake)
    protocol = replace(protocol, methods=("theirs", "classical"), masks={"theirs": world / "masks"})
    figures = run.benchmark(protocol, tmp_path, engine="ray")
    assert [one.job.method for one in figures] == ["theirs", "classical"]
    assert asked == {"num_cpus": 1, "num_gpus": 0}
    assert run.benchmark(protocol, tmp_path, engine="ray") == figures


def test_without_ray_its_extra_is_named(protocol, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"anybone\[cluster\]"):
        run.benchmark(protocol, tmp_path, engine="ray")
