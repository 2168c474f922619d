"""Words for what was done, as a history shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble


def slices_in_words(indices: Iterable[int]) -> str:
    """ "slice 4", "slices 4 to 9", "7 slices from 2 to 20"; "no slice" where there is none."""
    found = sorted(indices)
    if not found:
        return "no slice"
    first, last = found[0], found[-1]
    if len(found) == 1:
        return f"slice {first}"
    if last - first + 1 == len(found):
        return f"slices {first} to {last}"
    return f"{len(found)} slices from {first} to {last}"


def prompts_in_words(prompts: Sequence[Prompt]) -> str:
    """ "Point", "2 points that are not bone and a box", ..., the first letter large."""
    counts: dict[str, int] = {}
    for prompt in prompts:
        counts[_kind(prompt)] = counts.get(_kind(prompt), 0) + 1
    told = [_counted(kind, n) for kind, n in counts.items()] or ["nothing"]
    text = " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
    return text[0].upper() + text[1:]


def _counted(kind: str, count: int) -> str:
    noun, *rest = kind.split(" ", 1)
    if count == 1:
        return f"{'an' if noun[0] in 'aeio' else 'a'} {kind}"
    plural = "lassos" if noun == "lasso" else noun + ("es" if noun.endswith("x") else "s")
    return " ".join([str(count), plural, *rest])


def _kind(prompt: Prompt) -> str:
    match prompt:
        case Point():
            return "point" if prompt.positive else "point off bone"
        case Scribble():
            return "scribble" if prompt.positive else "scribble off bone"
        case Box():
            return "box"
        case MaskHint():
            return "mask"
        case Lasso():
            return "lasso"
        case _:
            assert_never(prompt)
