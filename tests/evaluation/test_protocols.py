"""Folds: who is learned from and who is measured on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from anybone.core.errors import UsageError
from anybone.evaluation.protocols import SPLITS, Protocol, Split, folds
from small_benchmark import small_cases, small_maps, small_protocol


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_cases(tmp_path_factory.mktemp("cases"), count=8)


def who(found) -> list[str]:
    return [one.case.patient for one in found]


def test_the_standard_split_is_what_the_manifest_says(cases):
    (fold,) = folds(small_protocol(cases))
    assert who(fold.train) == ["p0", "p1", "p2", "p3", "p4", "p5"]
    assert who(fold.test) == ["p6", "p7"]
    assert fold.test[0].facts == {
        "data": "limbs", "location": "thigh", "region": "thigh", "sequence": "t2", "plane": "axial"
    }  # fmt: skip


def test_each_location_is_left_out_with_its_label_maps(cases):
    protocol = small_protocol(cases, locations={"leg": ("thigh", "knee")}, split=Split("leave one out"))
    arm, leg = folds(protocol)
    assert (arm.name, who(arm.train), who(arm.test), arm.without) == ("arm", ["p0", "p2", "p4"], ["p7"], ("arm",))
    assert (leg.name, who(leg.train), who(leg.test), leg.without) == (
        "leg", ["p1", "p3", "p5"], ["p6"], ("thigh", "knee"),
    )  # fmt: skip
    (alone,) = folds(small_protocol(cases, split=Split("leave one out", "region", ("arm",))))
    assert alone.without == ("arm",)


def test_learned_from_one_sequence_measured_on_the_rest(cases):
    (fold,) = folds(small_protocol(cases, split=Split("train on", "sequence", ("t1",))))
    assert who(fold.train) == ["p0", "p1", "p4", "p5"]
    assert who(fold.test) == ["p6", "p7"]
    (fold,) = folds(small_protocol(cases, split=Split("train on", "region", ("arm",))))
    assert who(fold.test) == ["p6"]


def test_an_external_set_is_measured_as_a_whole(cases, tmp_path):
    external = small_cases(tmp_path / "theirs").rename(tmp_path / "theirs" / "theirs.csv")
    (fold,) = folds(small_protocol(cases, external=(external,), split=Split("external")))
    assert who(fold.train) == ["p0", "p1", "p2", "p3", "p4", "p5"]
    assert who(fold.test) == ["p0", "p1", "p2", "p3"]  # others, who are only called the same


def test_where_nobody_decided_a_fifth_is_held_out(cases, tmp_path):
    shutil.copytree(cases.parent, tmp_path / "plain")
    (tmp_path / "plain" / "limbs.csv").unlink()
    (fold,) = folds(small_protocol(tmp_path / "plain"))
    assert len(fold.train) == 6
    assert len(fold.test) == 2
    assert not set(who(fold.train)) & set(who(fold.test))


def test_nobody_is_learned_from_and_measured_on(cases, tmp_path):
    text = cases.read_text().replace("p7", "p1")
    (cases.parent / "twice.csv").write_text(text)
    with pytest.raises(UsageError, match=r"measure on patients that it learns from: p1"):
        folds(small_protocol(cases.parent / "twice.csv"))


@pytest.mark.parametrize(
    ("split", "told"),
    [
        (Split("train on", "sequence", ("pd",)), "nothing to learn from"),
        (Split("train on", "plane", ("axial",)), "nothing to measure on"),
        (Split("leave one out", "location", ("nose",)), "nothing to measure on"),
        (Split("train on", "sequence"), "needs the values"),
    ],
)
def test_a_split_that_leaves_nobody_is_refused(cases, split, told):
    with pytest.raises(UsageError, match=told):
        folds(small_protocol(cases, split=split))


def test_label_maps_are_enough_to_learn_from(cases, tmp_path):
    protocol = small_protocol(cases, corpus=(small_maps(tmp_path),), split=Split("train on", "sequence", ("pd",)))
    assert folds(protocol)[0].train == ()


@pytest.mark.parametrize(
    "wrong",
    [{"cases": ()}, {"methods": ()}, {"seeds": ()}, {"split": Split("external")}, {"external": (Path("x"),)}],
)
def test_a_protocol_that_cannot_be_meant(wrong):
    with pytest.raises(UsageError):
        Protocol("x", **{"cases": (Path("c"),), **wrong})


def test_words_that_there_are_not():
    with pytest.raises(UsageError, match=", ".join(SPLITS)):
        Split("halves")
    with pytest.raises(UsageError, match="location"):
        Split("leave one out", "color")
