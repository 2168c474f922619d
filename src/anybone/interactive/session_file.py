"""Layout of a saved session: a safetensors file with run lengths and logits, and JSON that refers to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.core.run_lengths import RunLengths
from anybone.interactive.committed_labels import NamedBone, SliceLabels
from anybone.interactive.history import EditedBone, State, Step
from anybone.interactive.masks import SliceMask

LAYOUT = 2
Arrays = dict[str, NDArray[Any]]
NONE = -1  # instead of an index: there is nothing


class StateEncoder:
    """Conversion of states to plain values and arrays; run lengths and masks that states share are stored once."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[int, RunLengths]] = {}
        self._indices: dict[int, tuple[int, SliceMask]] = {}
        self._logits: list[NDArray[np.float16]] = []
        self._masks: list[dict[str, Any]] = []

    def encode(self, state: State) -> dict[str, Any]:
        """Return a state as plain values, with indices of masks and run lengths."""
        edited = state.editing
        return {
            "step": None if state.step is None else asdict(state.step),
            "prompts": [self._prompt(p) for p in state.prompts],
            "masks": [[k, self._mask(mask)] for k, mask in state.masks.items()],
            "labels": self._slices(state.labels),
            "bones": [asdict(bone) for bone in state.bones.values()],
            "dice_terms": [[label, _term_rows(terms)] for label, terms in state.dice_terms.items()],
            "editing": None
            if edited is None
            else {
                "bone": asdict(edited.bone),
                "masks": self._slices(edited.masks),
                "dice_terms": _term_rows(edited.dice_terms),
            },
            "visited": sorted(state.visited),
        }

    @property
    def masks(self) -> list[dict[str, Any]]:
        """Each slice mask as plain values: indices of run lengths and logits, and terms of the expected Dice."""
        return self._masks

    def arrays(self) -> Arrays:
        """Return the arrays that the indices refer to."""
        runs = [r for _, r in self._runs.values()]
        lengths = [len(r.labels) for r in runs]
        return {
            "labels": np.concatenate([np.zeros(0, np.uint16), *(r.labels for r in runs)]),
            "counts": np.concatenate([np.zeros(0, np.int64), *(r.counts for r in runs)]).astype(np.uint32),
            "ends": np.cumsum(lengths, dtype=np.int64),
            "shapes": np.array([r.shape for r in runs], dtype=np.int32).reshape(-1, 2),
            "logits": np.stack(self._logits) if self._logits else np.zeros((0, 0, 0), np.float16),
        }

    def _run_lengths(self, runs: RunLengths | None) -> int:
        return NONE if runs is None else self._runs.setdefault(id(runs), (len(self._runs), runs))[0]

    def _slices(self, slices: SliceLabels) -> list[list[int]]:
        return [[k, self._run_lengths(runs)] for k, runs in slices.items()]

    def _mask(self, mask: SliceMask) -> int:
        if id(mask) not in self._indices:
            logits = NONE
            if mask.logits is not None:
                logits = len(self._logits)
                self._logits.append(mask.logits[0, 0].cpu().half().numpy())
            self._masks.append(
                {
                    "runs": self._run_lengths(mask.runs),
                    "logits": logits,
                    "paint": self._run_lengths(mask.paint),
                    "drawn": self._run_lengths(mask.drawn),
                    "dice_terms": mask.dice_terms,
                }
            )
            self._indices[id(mask)] = (len(self._indices), mask)
        return self._indices[id(mask)][0]

    def _prompt(self, prompt: Prompt) -> dict[str, Any]:
        if isinstance(prompt, MaskHint):
            mask = self._run_lengths(RunLengths.from_array(prompt.mask))
            return {"kind": "MaskHint", "mask": mask, "index": prompt.index, "axis": prompt.axis}
        return {"kind": type(prompt).__name__, **asdict(prompt)}


class StateDecoder:
    """Conversion of plain values and arrays of a `StateEncoder` to states.

    Args:
        arrays: Arrays of the file.
        masks: Slice masks as plain values.
    """

    def __init__(self, arrays: Arrays, masks: Sequence[Mapping[str, Any]]) -> None:
        import torch

        self._runs = list(_unpack_run_lengths(arrays))
        logits = torch.from_numpy(arrays["logits"]).float()
        self._masks = [
            SliceMask(
                self._runs[mask["runs"]],
                None if mask["logits"] == NONE else logits[mask["logits"]][None, None],
                None if mask["paint"] == NONE else self._runs[mask["paint"]],
                None if mask["drawn"] == NONE else self._runs[mask["drawn"]],
                None if mask["dice_terms"] is None else tuple(mask["dice_terms"]),
            )
            for mask in masks
        ]

    def decode(self, values: Mapping[str, Any]) -> State:
        """Return the state of some plain values."""
        edited = values["editing"]
        return State(
            step=None if values["step"] is None else Step(**values["step"]),
            prompts=tuple(self._prompt(p) for p in values["prompts"]),
            masks={int(k): self._masks[n] for k, n in values["masks"]},
            labels=self._slices(values["labels"]),
            bones={bone.label: bone for bone in map(decode_bone, values["bones"])},
            dice_terms={int(label): _terms(rows) for label, rows in values["dice_terms"]},
            editing=None
            if edited is None
            else EditedBone(decode_bone(edited["bone"]), self._slices(edited["masks"]), _terms(edited["dice_terms"])),
            visited=frozenset(values["visited"]),
        )

    def _slices(self, rows: Iterable[Sequence[int]]) -> dict[int, RunLengths]:
        return {int(k): self._runs[n] for k, n in rows}

    def _prompt(self, values: Mapping[str, Any]) -> Prompt:
        fields = {k: v for k, v in values.items() if k != "kind"}
        match values["kind"]:
            case "Point":
                return Point(**fields)
            case "Box":
                return Box(**fields)
            case "Scribble":
                return Scribble(**fields)
            case "Lasso":
                return Lasso(**fields)
            case "MaskHint":
                return MaskHint(**{**fields, "mask": self._runs[fields["mask"]].to_mask()})
        raise ValueError(f"unknown kind of prompt {values['kind']!r}")


def decode_bone(values: Mapping[str, Any]) -> NamedBone:
    """Return the bone of some plain values."""
    red, green, blue = (int(c) for c in values["color_rgb"])
    return NamedBone(int(values["label"]), str(values["name"]), values["side"], (red, green, blue))


def _unpack_run_lengths(arrays: Arrays) -> Iterable[RunLengths]:
    start = 0
    for end, (rows, columns) in zip(arrays["ends"].tolist(), arrays["shapes"].tolist(), strict=True):
        values = np.column_stack([arrays["labels"][start:end], arrays["counts"][start:end]]).astype(np.int64).ravel()
        yield RunLengths.from_list((rows, columns), values)  # raises if the counts do not fill the slice
        start = end


def _term_rows(terms: Mapping[int, Any]) -> list[list[Any]]:
    return [[k, *values] for k, values in terms.items()]


def _terms(rows: Iterable[Sequence[Any]]) -> dict[int, tuple[float, float, float]]:
    return {int(k): (float(a), float(b), float(c)) for k, a, b, c in rows}
