"""Commands that need no network: interpolate, keep, reset, commit, edit, rename, remove, split and merge.

Each takes a state and returns what it changes; `Session` pushes that to its history.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from anybone.core.errors import PromptError
from anybone.core.labels import Rgb, Side
from anybone.core.run_lengths import RunLengths
from anybone.interactive.committed_labels import (
    NamedBone,
    add_label,
    add_terms,
    make_bone,
    masks_of,
    replace_labels,
    split_label,
)
from anybone.interactive.components import connected_components
from anybone.interactive.history import EditedBone, State, format_slices
from anybone.interactive.interpolation import interpolate_masks
from anybone.interactive.masks import MaskComposer, drawn_mask

MAX_COMPONENTS = 50  # of a bone that is split: more are noise
MIN_COMPONENT_MM3 = 30.0  # of a component that becomes a bone of its own: less than the smallest sesamoid bones


@dataclass(frozen=True)
class Command:
    """The effect of a command.

    Attributes:
        text: Sentence for the history.
        changes: New values of fields of the state.
    """

    text: str
    changes: dict[str, Any]


def find_bone(state: State, label: int) -> NamedBone:
    """Return the committed bone of a label.

    Raises:
        PromptError: No bone has that label.
    """
    if label not in state.bones:
        known = ", ".join(f"{b.label} ({b.name})" for b in state.bones.values()) or "none"
        raise PromptError(f"There is no bone with label {label}. Committed bones: {known}.")
    return state.bones[label]


def interpolate(state: State, first: int, last: int, spacing_mm: tuple[float, float]) -> tuple[list[int], Command]:
    """Interpolate the shape of the mask between slices with bone, and return the slices that were filled.

    Raises:
        PromptError: No slice without a mask is between two slices with bone.
    """
    known = {k: mask.runs.to_mask() for k, mask in state.masks.items() if first <= k <= last}
    shapes = interpolate_masks(known, spacing_mm)
    if not shapes:
        raise PromptError(
            "Nothing to interpolate: no slice without a mask is between two slices with bone. "
            "Segment two slices that are some distance apart first."
        )
    interpolated = {k: drawn_mask(RunLengths.from_array(mask)) for k, mask in shapes.items()}
    return sorted(interpolated), Command(
        f"Interpolated {format_slices(interpolated)}.", {"masks": {**state.masks, **interpolated}}
    )


def keep(state: State, composer: MaskComposer, index: int, row: int, column: int) -> Command:
    """Erase all connected components of the current mask except the one at a pixel.

    Raises:
        PromptError: The pixel is outside the mask.
    """
    components = connected_components({k: mask.runs for k, mask in state.masks.items()}, 1)
    kept = components.on_slice(index)[row, column] if components and index in components.slices else 0
    if components is None or not kept:
        raise PromptError(
            f"The mask does not contain row {row}, column {column} of slice {index}. Click on the component to keep."
        )
    numbers = {k: components.on_slice(k) for k in components.slices}
    others = {k: (on_slice > 0) & (on_slice != kept) for k, on_slice in numbers.items()}
    erased = {
        k: composer.with_paint(k, state.masks[k], state.prompts, mask, erase=True)
        for k, mask in others.items()
        if mask.any()
    }
    rest = f", and erased others on {format_slices(erased)}." if erased else "; there was no other."
    return Command(f"Kept one connected component{rest}", {"masks": {**state.masks, **erased}})


def commit(state: State, name: str | None, side: Side | None, color_rgb: Rgb | None) -> tuple[int, Command]:
    """Commit the current mask as a bone, and return its label.

    Raises:
        PromptError: The current mask is empty, or the name is.
    """
    masks = {k: mask.runs for k, mask in state.masks.items() if mask.runs.any()}
    if not masks:
        raise PromptError("Nothing to commit: the mask is empty. Add a positive point on bone first.")
    bone = _bone_to_commit(state, name, side, color_rgb)
    terms = {k: mask.dice_terms for k, mask in state.masks.items() if k in masks and mask.dice_terms is not None}
    changes = {
        "prompts": (),
        "masks": {},
        "labels": add_label(state.labels, bone.label, masks),
        "bones": {**state.bones, bone.label: bone},
        "dice_terms": {**state.dice_terms, bone.label: add_terms(state.dice_terms.get(bone.label, {}), terms)},
        "editing": None,
    }
    return bone.label, Command(f"Committed {bone.name} on {format_slices(masks)}.", changes)


def edit(state: State, label: int) -> Command:
    """Make a committed bone the current mask again.

    Raises:
        PromptError: No bone has that label, or there is a current mask.
    """
    bone = find_bone(state, label)
    if state.masks:
        raise PromptError(f"Commit or reset the current mask before editing {bone.name}.")
    masks, terms = masks_of(state.labels, label), state.dice_terms.get(label, {})
    current = {k: drawn_mask(mask, terms.get(k)) for k, mask in masks.items()}
    changes = {"prompts": (), "masks": current, "editing": EditedBone(bone, masks, terms)}
    return Command(f"Editing {bone.name}.", {**_without(state, label), **changes})


def reset(state: State) -> Command:
    """Clear prompts and the current mask; a bone that is being edited is restored."""
    changes: dict[str, Any] = {"prompts": (), "masks": {}, "editing": None}
    if state.editing is None:
        return Command("Cleared the current mask.", changes)
    bone = state.editing.bone
    changes |= {
        "labels": add_label(state.labels, bone.label, state.editing.masks),
        "bones": {**state.bones, bone.label: bone},
        "dice_terms": {**state.dice_terms, bone.label: state.editing.dice_terms},
    }
    return Command(f"Restored {bone.name} to its state before editing.", changes)


def rename(state: State, label: int, name: str | None, side: Side | None, color_rgb: Rgb | None) -> Command:
    """Change name, side or color of a committed bone.

    Raises:
        PromptError: No bone has that label, the name is empty, or another bone has it.
    """
    old = find_bone(state, label)
    color = color_rgb or (old.color_rgb if name is None else None)
    new_name = _checked_name(old.name if name is None else name)
    bone = make_bone(label, new_name, side or (None if name else old.side), color)
    other = next((b for b in state.bones.values() if b.label != label and b.is_called(bone.name)), None)
    if other is not None:
        raise PromptError(f"Label {other.label} is already called {other.name}. Merge both, or choose another name.")
    renamed = bone.name != old.name
    text = f"Renamed {old.name} to {bone.name}." if renamed else f"Changed the color or side of {bone.name}."
    return Command(text, {"bones": {**state.bones, label: bone}})


def remove(state: State, label: int) -> Command:
    """Remove a committed bone.

    Raises:
        PromptError: No bone has that label.
    """
    return Command(f"Removed {find_bone(state, label).name}.", _without(state, label))


def split(state: State, label: int, voxel_volume_mm3: float, min_mm3: float) -> tuple[list[int], Command]:
    """Split a committed bone into its connected components, and return their labels, largest first.

    Components smaller than a volume are removed.

    Raises:
        PromptError: No bone has that label, or it has fewer than two or too many such components.
    """
    old = find_bone(state, label)
    components = connected_components(state.labels, label)
    sizes = [] if components is None else components.sizes.tolist()
    count = sum(voxels * voxel_volume_mm3 >= min_mm3 for voxels in sizes)
    if components is None or count < 2:
        raise PromptError(f"{old.name} is one connected component of at least {min_mm3:g} mm3. Nothing to split.")
    if count > MAX_COMPONENTS:
        raise PromptError(
            f"{old.name} has {count} connected components, more than {MAX_COMPONENTS}. Erase small ones first."
        )
    free = max(state.bones) + 1
    labels = [label, *range(free, free + count - 1)]
    bones = {
        k: make_bone(k, f"{old.name} ({n})", old.side, old.color_rgb if k == label else None)
        for n, k in enumerate(labels, 1)
    }
    small = len(sizes) - count
    removed = f" Removed {small} smaller than {min_mm3:g} mm3." if small else ""
    changes = {
        "labels": split_label(state.labels, label, components, labels),
        "bones": {**state.bones, **bones},
        "dice_terms": {k: v for k, v in state.dice_terms.items() if k != label},
    }
    return labels, Command(f"Split {old.name} into {count} connected components.{removed}", changes)


def merge(state: State, labels: Iterable[int], into: int) -> Command:
    """Merge several committed bones into one of them.

    Raises:
        PromptError: No bone has one of the labels, or there is only one.
    """
    target = find_bone(state, into)
    others = [find_bone(state, label) for label in sorted({*labels} - {into})]
    if not others:
        raise PromptError("Merging needs two bones or more. Give the labels of all of them.")
    merged = {bone.label: into for bone in others}
    terms = dict(state.dice_terms.get(into, {}))
    for label in merged:
        terms = add_terms(terms, state.dice_terms.get(label, {}))
    changes = {
        "labels": replace_labels(state.labels, merged),
        "bones": {k: v for k, v in state.bones.items() if k not in merged},
        "dice_terms": {**{k: v for k, v in state.dice_terms.items() if k not in merged}, into: terms},
    }
    return Command(f"Merged {', '.join(b.name for b in others)} into {target.name}.", changes)


def _without(state: State, label: int) -> dict[str, Any]:
    """Return the fields of a state without a bone."""
    return {
        "labels": replace_labels(state.labels, {label: 0}),
        "bones": {k: v for k, v in state.bones.items() if k != label},
        "dice_terms": {k: v for k, v in state.dice_terms.items() if k != label},
    }


def _bone_to_commit(state: State, name: str | None, side: Side | None, color_rgb: Rgb | None) -> NamedBone:
    """Return the bone that the current mask becomes: the edited one, one of the same name, or a new one."""
    edited = state.editing
    if name is None and edited is not None:
        return replace(edited.bone, color_rgb=color_rgb or edited.bone.color_rgb)
    wanted = make_bone(0, _checked_name("bone" if name is None else name), side, color_rgb)
    known = next((b for b in state.bones.values() if b.is_called(wanted.name)), None)
    if known is not None:
        return replace(known, color_rgb=color_rgb or known.color_rgb)
    label = edited.bone.label if edited is not None else max(state.bones, default=0) + 1
    return make_bone(label, wanted.name, wanted.side, color_rgb)


def _checked_name(name: str) -> str:
    if not name.strip():
        raise PromptError("The name of the bone is empty. Give a name.")
    return name
