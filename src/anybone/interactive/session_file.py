"""The layout of a saved session: one safetensors file of runs and logits, and JSON that says what they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.interactive.committed_labels import NamedBone, Planes
from anybone.interactive.history import Edited, State, Step
from anybone.interactive.masks import SliceAnswer
from anybone.interactive.run_lengths import Runs

Arrays = dict[str, NDArray[Any]]
NONE = -1  # in place of a number: there is nothing


class Packer:
    """Collects planes and answers, each once however many states share it."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[int, Runs]] = {}
        self._answers: dict[int, tuple[int, SliceAnswer]] = {}
        self._logits: list[NDArray[np.float16]] = []
        self._told: list[list[Any]] = []

    def state(self, state: State) -> dict[str, Any]:
        """A state as plain values, with numbers in place of what is in the arrays."""
        edited = state.editing
        return {
            "step": None if state.step is None else asdict(state.step),
            "prompts": [self._prompt(p) for p in state.prompts],
            "answers": [[k, self._answer(a)] for k, a in state.answers.items()],
            "planes": self._planes(state.planes),
            "bones": [asdict(bone) for bone in state.bones.values()],
            "sums": _flat_sums(state.sums),
            "editing": None
            if edited is None
            else {"bone": asdict(edited.bone), "masks": self._planes(edited.masks), "sums": _flat(edited.sums)},
            "visited": sorted(state.visited),
        }

    @property
    def answers(self) -> list[list[Any]]:
        """Each answer: numbers of its runs, logits, paint and drawing, and its sums."""
        return self._told

    def arrays(self) -> Arrays:
        """What the numbers point to."""
        runs = [r for _, r in self._runs.values()]
        lengths = [len(r.labels) for r in runs]
        return {
            "labels": np.concatenate([np.zeros(0, np.uint16), *(r.labels for r in runs)]),
            "counts": np.concatenate([np.zeros(0, np.int64), *(r.counts for r in runs)]).astype(np.uint32),
            "ends": np.cumsum(lengths, dtype=np.int64),
            "shapes": np.array([r.shape for r in runs], dtype=np.int32).reshape(-1, 2),
            "logits": np.stack(self._logits) if self._logits else np.zeros((0, 0, 0), np.float16),
        }

    def _plane(self, runs: Runs | None) -> int:
        return NONE if runs is None else self._runs.setdefault(id(runs), (len(self._runs), runs))[0]

    def _planes(self, planes: Planes) -> list[list[int]]:
        return [[k, self._plane(runs)] for k, runs in planes.items()]

    def _answer(self, answer: SliceAnswer) -> int:
        if id(answer) not in self._answers:
            logits = NONE
            if answer.logits is not None:
                logits = len(self._logits)
                self._logits.append(answer.logits[0, 0].cpu().half().numpy())
            parts = [self._plane(answer.runs), logits, self._plane(answer.painted), self._plane(answer.drawn)]
            self._told.append([*parts, answer.sums])
            self._answers[id(answer)] = (len(self._answers), answer)
        return self._answers[id(answer)][0]

    def _prompt(self, prompt: Prompt) -> dict[str, Any]:
        if isinstance(prompt, MaskHint):
            where = {"index": prompt.index, "axis": prompt.axis}
            return {"kind": "MaskHint", "mask": self._plane(Runs.of(prompt.mask)), **where}
        return {"kind": type(prompt).__name__, **asdict(prompt)}


class Unpacker:
    """Gives back what a `Packer` took.

    Args:
        arrays: As it wrote them.
        answers: As it told them.
    """

    def __init__(self, arrays: Arrays, answers: Sequence[Sequence[Any]]) -> None:
        import torch

        self._runs = list(_unpacked(arrays))
        logits = torch.from_numpy(arrays["logits"]).float()
        self._answers = [
            SliceAnswer(
                self._runs[runs],
                None if logit == NONE else logits[logit][None, None],
                None if painted == NONE else self._runs[painted],
                None if drawn == NONE else self._runs[drawn],
                None if sums is None else tuple(sums),
            )
            for runs, logit, painted, drawn, sums in answers
        ]

    def state(self, told: Mapping[str, Any]) -> State:
        """The state that was told as plain values."""
        edited = told["editing"]
        return State(
            step=None if told["step"] is None else Step(**told["step"]),
            prompts=tuple(self._prompt(p) for p in told["prompts"]),
            answers={int(k): self._answers[n] for k, n in told["answers"]},
            planes=self._planes(told["planes"]),
            bones={bone.label: bone for bone in map(bone_of, told["bones"])},
            sums={int(label): _sums(rows) for label, rows in told["sums"]},
            editing=None
            if edited is None
            else Edited(bone_of(edited["bone"]), self._planes(edited["masks"]), _sums(edited["sums"])),
            visited=frozenset(told["visited"]),
        )

    def _planes(self, told: Iterable[Sequence[int]]) -> dict[int, Runs]:
        return {int(k): self._runs[n] for k, n in told}

    def _prompt(self, told: Mapping[str, Any]) -> Prompt:
        given = {k: v for k, v in told.items() if k != "kind"}
        match told["kind"]:
            case "Point":
                return Point(**given)
            case "Box":
                return Box(**given)
            case "Scribble":
                return Scribble(**given)
            case "Lasso":
                return Lasso(**given)
            case "MaskHint":
                return MaskHint(**{**given, "mask": self._runs[given["mask"]].mask()})
        raise ValueError(f"no prompt of kind {told['kind']!r}")


def bone_of(told: Mapping[str, Any]) -> NamedBone:
    """The bone that was told as plain values."""
    red, green, blue = (int(c) for c in told["color_rgb"])
    return NamedBone(int(told["label"]), str(told["name"]), told["side"], (red, green, blue))


def _unpacked(arrays: Arrays) -> Iterable[Runs]:
    start = 0
    for end, (rows, columns) in zip(arrays["ends"].tolist(), arrays["shapes"].tolist(), strict=True):
        values = np.column_stack([arrays["labels"][start:end], arrays["counts"][start:end]]).astype(np.int64).ravel()
        yield Runs.from_list((rows, columns), values)  # which refuses counts that do not fill the plane
        start = end


def _flat_sums(sums: Mapping[int, Mapping[int, Any]]) -> list[list[Any]]:
    return [[label, _flat(rows)] for label, rows in sums.items()]


def _flat(rows: Mapping[int, Any]) -> list[list[Any]]:
    return [[k, *values] for k, values in rows.items()]


def _sums(rows: Iterable[Sequence[Any]]) -> dict[int, tuple[float, float, float]]:
    return {int(k): (float(a), float(b), float(c)) for k, a, b, c in rows}
