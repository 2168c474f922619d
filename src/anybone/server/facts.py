"""A session as plain values: what answers and events hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.server.work import Work

if TYPE_CHECKING:
    from anybone.core.run_lengths import RunLengths
    from anybone.interactive.session import Session

_DECIMALS = 3
_TAIL = 5  # steps of the history that a change carries


def session_facts(work: Work) -> dict[str, Any]:
    """What a page needs to begin."""
    session, about = work.session, work.about
    geometry, source = session.volume.geometry, session.volume.source
    return {
        "id": work.id,
        "name": about.name,
        "source": {
            "path": about.path,
            "format": source.format,
            "series": about.series or source.series,
            "description": source.description,
            "notes": list(source.notes),
        },
        "shape": list(geometry.shape_ijk),
        "affine": geometry.affine_ras_mm.tolist(),
        "spacing_mm": list(geometry.spacing_mm),
        "axis": session.axis,
        "slices": geometry.shape_ijk[session.axis],
        "doubts": list(session.input_warnings),
        "history": [dataclasses.asdict(step) for step in session.history],
        "flag_below": work.flag_below,
        "other_series": [*about.other_series],
        **state_facts(work),
    }


def state_facts(work: Work) -> dict[str, Any]:
    """What every change may change."""
    session = work.session
    return {
        "revision": session.revision,
        "can_undo": session.can_undo,
        "can_redo": session.can_redo,
        "prompts": [prompt_facts(prompt) for prompt in session.prompts],
        "answered": session.slices,
        "bones": bone_rows(session),
        "flagged": session.flagged,
        "slice_confidence": {str(n): round(c, _DECIMALS) for n, c in session.slice_confidence.items()},
        "job": None if work.job is None else work.job.facts(),
        "saved": work.saved,
    }


def change_facts(work: Work, since: int, result: Any = None) -> dict[str, Any]:
    """What differs from a revision, and what every change may change; `result` is what the verb gave."""
    changes = work.session.changes_since(since)
    return {
        "changed": {
            "answer": slice_rows(changes.mask),
            "bones": slice_rows(changes.labels),
            "complete": changes.complete,
        },
        "history_tail": [dataclasses.asdict(step) for step in work.session.history[-_TAIL:]],
        **state_facts(work),
        "revision": changes.revision,
        "result": result,
    }


def layer_facts(session: Session) -> dict[str, Any]:
    """All that there is to draw."""
    layers = session.layers()
    return {
        "revision": layers.revision,
        "answer": {"slices": slice_rows(layers.mask)},
        "bones": {"slices": slice_rows(layers.labels)},
    }


def slice_rows(slices: Mapping[int, RunLengths]) -> list[dict[str, Any]]:
    """Return the run lengths of each slice, in order."""
    return [{"slice": n, "runs": slices[n].to_list()} for n in sorted(slices)]


def bone_rows(session: Session) -> list[dict[str, Any]]:
    """The accepted bones with their sizes."""
    facts = {row.label: row for row in session.statistics()}
    rows = []
    for bone in session.bones:
        row = facts.get(bone.label)
        rows.append(
            {
                "label": bone.label,
                "key": bone.key,
                "name": bone.name,
                "side": bone.side,
                "color": hex_color(bone.color_rgb),
                "voxels": row.voxels if row else 0,
                "volume_ml": round(row.volume_mm3 / 1000, _DECIMALS) if row else 0.0,
                "extent_mm": [round(float(x), _DECIMALS) for x in row.extent_mm] if row else [0.0, 0.0, 0.0],
                "slices": [row.first_slice, row.last_slice] if row else [],
                "confidence": None if row is None or row.confidence is None else round(row.confidence, _DECIMALS),
            }
        )
    return rows


def prompt_facts(prompt: Prompt) -> dict[str, Any]:
    """A prompt as the verb that adds it takes it; a mask by its place alone."""
    match prompt:
        case Point(ijk, positive):
            return {"kind": "point", "ijk": list(ijk), "positive": positive}
        case Box(low, high):
            return {"kind": "box", "min_ijk": list(low), "max_ijk": list(high)}
        case Scribble(points, positive):
            return {"kind": "scribble", "ijk_list": [list(p) for p in points], "positive": positive}
        case Lasso(points):
            return {"kind": "lasso", "ijk_list": [list(p) for p in points]}
        case MaskHint():
            return {"kind": "mask", "slice": prompt.index}


def hex_color(rgb: tuple[int, int, int]) -> str:
    """ "#rrggbb" """
    return "#" + "".join(f"{c:02x}" for c in rgb)


def rgb_of(color: str | None) -> tuple[int, int, int] | None:
    """The color of "#rrggbb"."""
    return None if color is None else (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
