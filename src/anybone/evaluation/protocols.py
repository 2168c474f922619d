"""Protocols: what is compared, on what, for how long; and the folds that a split makes of the cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from anybone.core.errors import UsageError
from anybone.io import read
from anybone.training.cases import TEST, TRAINING, VALIDATION, Case
from anybone.training.config import TrainingConfig
from anybone.training.layouts import find_cases
from anybone.training.split import split_cases

HELD_OUT_SHARE = 0.2  # of the patients, where nobody decided on a split


@dataclass(frozen=True)
class Split:
    """Division of cases into training and test cases.

    Attributes:
        kind: Key of `SPLITS`.
        by: The fact that it goes by: a key of `FACTS`.
        values: Values of that fact to train on, or to leave out one after the other (none given: all values).
    """

    kind: str = "standard"
    by: str = "location"
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in SPLITS:
            raise UsageError(f"split.kind is one of {', '.join(SPLITS)}; found {self.kind!r}.")
        if self.by not in FACTS:
            raise UsageError(f"split.by is one of {', '.join(FACTS)}; found {self.by!r}.")


@dataclass(frozen=True)
class Measure:
    """Measurements in addition to Dice and HD95.

    Attributes:
        tolerances_mm: Tolerances of the surface distance in mm.
        clicks: After how many rounds of a click on each slice Dice is reported; empty: no clicks.
        by: Facts that figures are broken down by.
    """

    tolerances_mm: tuple[float, ...] = (2.0, 1.0)
    clicks: tuple[int, ...] = ()
    by: tuple[str, ...] = ("data", "location", "sequence", "plane")


@dataclass(frozen=True)
class Protocol:
    """A benchmark.

    Attributes:
        name: Name of the protocol.
        about: Question that the protocol answers.
        methods: Keys of `methods.METHODS`, or of `masks`; the others are compared with the first.
        cases: Folders of cases, or manifests, that are learned from and measured on.
        corpus: Folders of label maps of synthetic anatomy, to learn from.
        external: Cases of another origin, for the split "external".
        masks: Name -> folder with the masks that another program made of the cases.
        locations: Name -> regions that make up a place of the body; a region that is in none is a place by itself.
        split: Division of the cases.
        training: Every number of a training, the same for all but for what a method says.
        minutes: CPU time (wall time on a GPU) of each training; 0: `training.steps` instead.
        seeds: Each method learns once with each.
        measure: Measurements.
    """

    name: str
    about: str = ""
    methods: tuple[str, ...] = ("ours",)
    cases: tuple[Path, ...] = ()
    corpus: tuple[Path, ...] = ()
    external: tuple[Path, ...] = ()
    masks: Mapping[str, Path] = field(default_factory=dict)
    locations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    split: Split = field(default_factory=Split)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    minutes: float = 0.0
    seeds: tuple[int, ...] = (0,)
    measure: Measure = field(default_factory=Measure)

    def __post_init__(self) -> None:
        if not self.cases:
            raise UsageError("A protocol needs cases to measure on: a folder of them, or a manifest.")
        if not self.methods or not self.seeds:
            raise UsageError("A protocol needs methods and seeds.")
        if (self.split.kind == "external") != bool(self.external):
            raise UsageError('External cases and split.kind = "external" go together. Give both, or neither.')

    def to_dict(self) -> dict[str, Any]:
        """Return the protocol as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Found:
    """A case, the collection that it is of (the name of its manifest or folder), and where in the body it is."""

    case: Case
    data: str
    location: str

    @property
    def whose(self) -> tuple[str, str]:
        """Identifier of the patient."""
        return self.data, self.case.patient

    @property
    def facts(self) -> dict[str, str]:
        """Facts of the case that results are stratified by."""
        facts = {name: str(getattr(self.case, name)) for name in ("region", "sequence", "plane")}
        facts = {"data": self.data, "location": self.location} | facts
        return {name: value for name, value in facts.items() if value}


@dataclass(frozen=True)
class Fold:
    """Training and test cases; no patient is in both.

    Attributes:
        name: Name of the fold.
        train: Cases to learn from.
        test: Cases to measure on.
        without: Regions whose label maps of synthetic anatomy are left out too.
    """

    name: str
    train: tuple[Found, ...]
    test: tuple[Found, ...]
    without: tuple[str, ...] = ()


FACTS = ("data", "location", "region", "sequence", "plane")


def folds(protocol: Protocol) -> list[Fold]:
    """Return the folds of a protocol.

    Raises:
        UsageError: One would have nobody to measure on, or nobody at all to learn from.
    """
    made = SPLITS[protocol.split.kind](protocol)
    for fold in made:
        if not fold.test or not (fold.train or protocol.corpus):
            what = "measure on" if not fold.test else "learn from"
            raise UsageError(
                f"The fold {fold.name!r} of {protocol.name} has nothing to {what}. Look at the split: kind "
                f"{protocol.split.kind!r}, by {protocol.split.by!r}, values {list(protocol.split.values)}."
            )
        twice = sorted({one.whose for one in fold.train} & {one.whose for one in fold.test})
        if twice:
            raise UsageError(
                f"The fold {fold.name!r} would measure on patients that it learns from: "
                f"{', '.join(patient for _, patient in twice)}. Give all cases of a patient one split."
            )
    return made


def _standard(protocol: Protocol) -> list[Fold]:
    train, test = _divided(protocol)
    return [Fold("standard", train, test)]


def _leave_one_out(protocol: Protocol) -> list[Fold]:
    """For each value of a fact: held-out cases that have it, learned from those that do not."""
    split, (train, test) = protocol.split, _divided(protocol)
    return [
        Fold(
            value or "not stated",
            tuple(one for one in train if one.facts.get(split.by, "") != value),
            tuple(one for one in test if one.facts.get(split.by, "") == value),
            without=_regions(protocol, value),
        )
        for value in split.values or sorted({one.facts.get(split.by, "") for one in test})
    ]


def _regions(protocol: Protocol, value: str) -> tuple[str, ...]:
    """Those whose label maps are left out with a location or a region."""
    match protocol.split.by:
        case "location":
            return protocol.locations.get(value, (value,))
        case "region":
            return (value,)
    return ()


def _train_on(protocol: Protocol) -> list[Fold]:
    """Learned from cases that have some values of a fact, measured on held-out cases that have others."""
    split, (train, test) = protocol.split, _divided(protocol)
    if not split.values:
        raise UsageError(f'split.kind = "train on" needs the values of {split.by} that are trained on.')
    return [
        Fold(
            ", ".join(split.values),
            tuple(one for one in train if one.facts.get(split.by) in split.values),
            tuple(one for one in test if one.facts.get(split.by) not in split.values),
        )
    ]


def _external(protocol: Protocol) -> list[Fold]:
    """Learned from the training cases, measured on all cases of another origin."""
    train, _ = _divided(protocol)
    return [Fold("external", train, _found(protocol, protocol.external))]


# How cases are divided -> the folds of a protocol.
SPLITS: Mapping[str, Callable[[Protocol], list[Fold]]] = {
    "standard": _standard,
    "leave one out": _leave_one_out,
    "train on": _train_on,
    "external": _external,
}


def _found(protocol: Protocol, paths: Sequence[Path]) -> tuple[Found, ...]:
    location = {region: name for name, regions in protocol.locations.items() for region in regions}
    return tuple(
        Found(_with_plane(case), path.stem, location.get(case.region, case.region))
        for path in paths
        for case in find_cases(path)
    )


def _with_plane(case: Case) -> Case:
    """Return the case with the plane of its slices, from its image if not stated."""
    if case.plane:
        return case
    geometry = read(case.image).geometry
    return replace(case, plane=geometry.plane(geometry.slice_axis))


def _divided(protocol: Protocol) -> tuple[tuple[Found, ...], tuple[Found, ...]]:
    """Those to learn from and those held out: the test set where there is one, else validation, else a fifth."""
    found = _found(protocol, protocol.cases)
    if not any(one.case.split for one in found):
        decided = split_cases([one.case for one in found], validation=HELD_OUT_SHARE)
        found = tuple(replace(one, case=case) for one, case in zip(found, decided, strict=True))
    splits = {one.case.split for one in found}
    held_out = next((split for split in (TEST, VALIDATION) if split in splits), None)
    return (
        tuple(one for one in found if one.case.split in (TRAINING, "")),
        tuple(one for one in found if one.case.split == held_out and held_out),
    )
