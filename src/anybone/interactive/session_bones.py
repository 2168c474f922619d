"""SessionBones: a session's accepted bones, and all that is done to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from anybone.core.errors import PromptError
from anybone.core.labels import Rgb, Side
from anybone.interactive.committed_labels import (
    BoneFacts,
    NamedBone,
    facts_of,
    make_bone,
    put,
    relabeled,
    split_up,
)
from anybone.interactive.components import pieces_of
from anybone.interactive.descriptions import slices_in_words
from anybone.interactive.session_core import SessionCore, added

Own = TypeVar("Own", bound="SessionBones")  # what a verb was called on comes back

MAX_COMPONENTS = 50  # that a bone is split into: more are specks, which nobody names


class SessionBones(SessionCore):
    """The verbs of a session that ask no network: those on accepted bones."""

    @property
    def bones(self) -> tuple[NamedBone, ...]:
        """The accepted bones, by label."""
        return tuple(bone for _, bone in sorted(self._state.bones.items()))

    def statistics(self) -> list[BoneFacts]:
        """What is measured of each accepted bone that has a voxel, by label."""
        state, geometry = self._state, self.volume.geometry
        found = (facts_of(b, state.planes, geometry, self.axis, state.sums.get(b.label, {})) for b in self.bones)
        return [facts for facts in found if facts is not None]

    def accept(self, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None) -> int:
        """The label that the answer got; prompts and answer then start afresh for the next bone.

        Bone that was accepted earlier keeps its label where the new one overlaps it. A name that an accepted bone has
        already adds to that bone.

        Args:
            name: Of the bone, in any words; those of `anybone.core.labels` bring side and color. None: that of the bone
                that is being edited, else "bone".
            side: "left" or "right": "femur" on the left is "left femur".
            color_rgb: 0..255; None: the bone's own.

        Raises:
            PromptError: There is nothing to accept.
        """
        state = self._state
        masks = {k: answer.runs for k, answer in state.answers.items() if answer.runs.any()}
        if not masks:
            raise PromptError("Nothing to accept: the mask is empty. Add a positive point on bone first.")
        bone = self._to_accept(name, side, color_rgb)
        sums = {k: answer.sums for k, answer in state.answers.items() if k in masks and answer.sums is not None}
        self._history.push(
            "accept",
            f"{bone.name} accepted on {slices_in_words(masks)}.",
            prompts=(),
            answers={},
            planes=put(state.planes, bone.label, masks),
            bones={**state.bones, bone.label: bone},
            sums={**state.sums, bone.label: added(state.sums.get(bone.label, {}), sums)},
            editing=None,
        )
        return bone.label

    def remove(self: Own, label: int) -> Own:
        """This session without an accepted bone.

        Raises:
            PromptError: There is none of that label.
        """
        bone = self._bone(label)
        self._history.push("remove", f"{bone.name} removed.", **self._without(label))
        return self

    def rename(
        self: Own, label: int, name: str | None = None, *, side: Side | None = None, color_rgb: Rgb | None = None
    ) -> Own:
        """This session, with an accepted bone called, or colored, otherwise.

        Args:
            label: Which bone.
            name: The new name; None keeps it.
            side: "left" or "right".
            color_rgb: 0..255; None: the color of the new name, or the one that the bone has where the name stays.

        Raises:
            PromptError: There is none of that label, the name is empty, or another bone has it.
        """
        old = self._bone(label)
        kept = color_rgb or (old.color_rgb if name is None else None)
        bone = make_bone(label, _filled(old.name if name is None else name), side or (None if name else old.side), kept)
        other = next((b for b in self.bones if b.label != label and b.is_called(bone.name)), None)
        if other is not None:
            raise PromptError(
                f"Label {other.label} is called {other.name} already. Merge the two, or choose another name."
            )
        text = f"{old.name} is now {bone.name}." if bone.name != old.name else f"{bone.name} marked anew."
        self._history.push("rename", text, bones={**self._state.bones, label: bone})
        return self

    def split(self, label: int) -> list[int]:
        """The labels of an accepted bone's separate pieces, largest first; it then is as many bones.

        Pieces are those that no voxel joins by a face, edge or corner. "femur" becomes "femur (1)", "femur (2)", ...;
        the largest keeps its label.

        Raises:
            PromptError: There is none of that label, it is one piece, or too many to be named.
        """
        old, state = self._bone(label), self._state
        found = pieces_of(state.planes, label)
        count = 0 if found is None else found.count
        if found is None or count < 2:
            raise PromptError(f"{old.name} is one piece: there is nothing to split.")
        if count > MAX_COMPONENTS:
            raise PromptError(f"{old.name} is {count} pieces, more than {MAX_COMPONENTS}. Erase the specks first.")
        free = max(state.bones) + 1
        chosen = [label, *range(free, free + count - 1)]
        planes = split_up(state.planes, label, found, chosen)
        pieces = {
            k: make_bone(k, f"{old.name} ({n})", old.side, old.color_rgb if k == label else None)
            for n, k in enumerate(chosen, 1)
        }
        sums = {k: v for k, v in state.sums.items() if k != label}
        text = f"{old.name} split into {len(chosen)} pieces."
        self._history.push("split", text, planes=planes, bones={**state.bones, **pieces}, sums=sums)
        return chosen

    def merge(self: Own, labels: Iterable[int], into: int) -> Own:
        """This session, with several accepted bones made one.

        Args:
            labels: Which.
            into: The one of them whose label and name stay.

        Raises:
            PromptError: One of the labels does not exist, or there is nothing to merge.
        """
        target, state = self._bone(into), self._state
        others = [self._bone(label) for label in sorted({*labels} - {into})]
        if not others:
            raise PromptError("Merging takes two bones or more; give the labels of all of them.")
        gone = {bone.label: into for bone in others}
        sums = dict(state.sums.get(into, {}))
        for label in gone:
            sums = added(sums, state.sums.get(label, {}))
        self._history.push(
            "merge",
            f"{', '.join(b.name for b in others)} merged into {target.name}.",
            planes=relabeled(state.planes, gone),
            bones={k: v for k, v in state.bones.items() if k not in gone},
            sums={**{k: v for k, v in state.sums.items() if k not in gone}, into: sums},
        )
        return self

    def reset(self: Own) -> Own:
        """This session without prompts and answer; `undo` brings them back.

        Accepted bones stay, and one that is being edited is as it was before.
        """
        state, back, text = self._state, {}, "The answer was dropped."
        if state.editing is not None:
            bone = state.editing.bone
            text = f"{bone.name} is as it was before it was edited."
            back = {
                "planes": put(state.planes, bone.label, state.editing.masks),
                "bones": {**state.bones, bone.label: bone},
                "sums": {**state.sums, bone.label: state.editing.sums},
            }
        self._history.push("reset", text, prompts=(), answers={}, editing=None, **back)
        return self

    # --- for the verbs ---

    def _bone(self, label: int) -> NamedBone:
        if label not in self._state.bones:
            known = ", ".join(f"{b.label} ({b.name})" for b in self.bones) or "none yet"
            raise PromptError(f"There is no accepted bone with label {label}. There are: {known}.")
        return self._state.bones[label]

    def _to_accept(self, name: str | None, side: Side | None, color_rgb: Rgb | None) -> NamedBone:
        edited = self._state.editing
        if name is None and edited is not None:
            return replace(edited.bone, color_rgb=color_rgb or edited.bone.color_rgb)
        wanted = make_bone(0, _filled("bone" if name is None else name), side, color_rgb)
        known = next((b for b in self.bones if b.is_called(wanted.name)), None)
        if known is not None:
            return replace(known, color_rgb=color_rgb or known.color_rgb)
        label = edited.bone.label if edited is not None else max(self._state.bones, default=0) + 1
        return make_bone(label, wanted.name, wanted.side, color_rgb)

    def _without(self, label: int) -> dict[str, Any]:
        """What changes in a state when a bone goes."""
        state = self._state
        return {
            "planes": relabeled(state.planes, {label: 0}),
            "bones": {k: v for k, v in state.bones.items() if k != label},
            "sums": {k: v for k, v in state.sums.items() if k != label},
        }


def _filled(name: str) -> str:
    if not name.strip():
        raise PromptError("A bone needs a name.")
    return name
