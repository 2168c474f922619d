"""Parse prompts from command-line options and from a JSON file.

A prompts file holds

    {"space": "voxel",
     "prompts": [{"kind": "point", "at": [120, 88, 14], "positive": true, "bone": "femur"},
                 {"kind": "box", "from": [90, 60, 14], "to": [150, 120, 14], "bone": "femur"},
                 {"kind": "scribble", "through": [[80, 70, 14], [84, 75, 14]], "positive": false},
                 {"kind": "lasso", "around": [[60, 40, 14], [60, 90, 14], [99, 90, 14]]},
                 {"kind": "mask", "file": "rough.nii.gz", "bone": "tibia"}]}

"space" is "voxel" (indices i, j, k; the default) or "world" (RAS+ mm). "positive" defaults to true. Prompts with the
same "bone" are applied together. The path of a mask is relative to the prompts file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from anybone.core.errors import PromptError

Kind = Literal["point", "box", "scribble", "lasso", "mask"]
Triple = tuple[float, float, float]

_PLACES: dict[str, tuple[str, ...]] = {
    "point": ("at",),
    "box": ("from", "to"),
    "scribble": ("through",),
    "lasso": ("around",),
    "mask": (),
}
_ON_BONE = ("box", "lasso", "mask")  # always positive
_COMMON = {"kind", "positive", "bone"}


@dataclass(frozen=True)
class PromptSpec:
    """Prompt as given by the user, before the volume is read.

    Attributes:
        kind: Kind of prompt.
        places: Coordinates: the point, two corners of the box, the points of the scribble, the vertices of the lasso.
        positive: True for bone, False for background; boxes, lassos and masks are always positive.
        bone: Name of the bone.
        world: True if places are RAS+ mm, False if they are voxel indices.
        file: Path of the mask.
    """

    kind: Kind
    places: tuple[Triple, ...] = ()
    positive: bool = True
    bone: str = "bone"
    world: bool = False
    file: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the prompt as plain values."""
        return {
            "kind": self.kind,
            "bone": self.bone,
            "positive": self.positive,
            "space": "world" if self.world else "voxel",
            "places": [list(p) for p in self.places],
            "file": None if self.file is None else str(self.file.resolve()),
        }


def parse_prompt_options(
    points: Sequence[str] | None,
    negative_points: Sequence[str] | None,
    boxes: Sequence[str] | None,
    scribbles: Sequence[str] | None,
    masks: Sequence[Path] | None,
    *,
    bone: str,
    world: bool,
) -> list[PromptSpec]:
    """Return the prompts given as options.

    Raises:
        PromptError: Wrong count of numbers, or text that is not a number.
    """
    return [
        *(PromptSpec("point", _triples(t, "--point", 1), True, bone, world) for t in points or ()),
        *(PromptSpec("point", _triples(t, "--not", 1), False, bone, world) for t in negative_points or ()),
        *(PromptSpec("box", _triples(t, "--box", 2), True, bone, world) for t in boxes or ()),
        *(PromptSpec("scribble", _triples(t, "--scribble", None), True, bone, world) for t in scribbles or ()),
        *(PromptSpec("mask", (), True, bone, False, file) for file in masks or ()),
    ]


def _triples(text: str, option: str, count: int | None) -> tuple[Triple, ...]:
    words = [word for word in re.split(r"[\s,;]+", text.strip().strip("()[]")) if word]
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    wanted = 3 * count if count else None
    if not numbers or len(numbers) % 3 or (wanted and len(numbers) != wanted):
        shape = {1: "three numbers I,J,K", 2: "six numbers I,J,K,I,J,K", None: 'points "I,J,K I,J,K ..."'}[count]
        raise PromptError(f"{option} takes {shape}; found {text!r}.")
    return tuple((numbers[n], numbers[n + 1], numbers[n + 2]) for n in range(0, len(numbers), 3))


def read_prompts_file(path: Path, *, bone: str, world: bool) -> list[PromptSpec]:
    """Return the prompts in a prompts file.

    Args:
        path: JSON file in the format described in this module.
        bone: Default bone name.
        world: True if coordinates default to RAS+ mm.

    Raises:
        PromptError: The file does not exist or is not a prompts file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PromptError(f"The prompts file {path} cannot be read: {error.strerror}. Check the name.") from error
    except (ValueError, RecursionError) as error:
        raise PromptError(f"The prompts file {path} is not valid JSON: {error}. Correct it.") from error
    prompts = content.get("prompts") if isinstance(content, dict) else None
    if not isinstance(prompts, list) or not prompts:
        raise PromptError(
            f'{path} needs a list "prompts" with something in it, such as {{"kind": "point", "at": ...}}.'
        )
    space = content.get("space", "world" if world else "voxel")
    if space not in ("voxel", "world"):
        raise PromptError(f'{path}: "space" is "voxel" or "world"; found {space!r}.')
    specs = []
    for number, entry in enumerate(prompts, 1):
        where = f"{path}, prompt {number}"
        specs.append(_hint(entry, where, path.parent, bone=bone, world=space == "world"))
    return specs


def _hint(entry: Any, where: str, folder: Path, *, bone: str, world: bool) -> PromptSpec:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind not in _PLACES:
        raise PromptError(f'{where}: "kind" is one of {", ".join(_PLACES)}; found {kind!r}.')
    allowed = _COMMON | {*_PLACES[kind]} | ({"file"} if kind == "mask" else set())
    if unknown := sorted(set(entry) - allowed):
        raise PromptError(f"{where}: a {kind} has no {', '.join(unknown)}; it takes {', '.join(sorted(allowed))}.")
    name = str(entry.get("bone", bone))
    positive = entry.get("positive", True)
    if not isinstance(positive, bool) or (not positive and kind in _ON_BONE):
        raise PromptError(f'{where}: "positive" is true or false, and a {kind} that is used has to be positive.')
    if kind == "mask":
        if not isinstance(entry.get("file"), str):
            raise PromptError(f'{where}: a mask needs the path of its "file".')
        return PromptSpec("mask", (), True, name, False, folder / entry["file"])
    values = [entry.get(key) for key in _PLACES[kind]]
    places = values[0] if kind in ("scribble", "lasso") else values
    if not isinstance(places, list) or not places or not all(_is_triple(p) for p in places):
        keys = " and ".join(f'"{key}"' for key in _PLACES[kind])
        raise PromptError(f"{where}: a {kind} needs {keys} with three numbers [i, j, k] each; found {places!r}.")
    return PromptSpec(kind, tuple((float(a), float(b), float(c)) for a, b, c in places), positive, name, world)


def _is_triple(value: Any) -> bool:
    numbers = isinstance(value, list) and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in value)
    return numbers and len(value) == 3
