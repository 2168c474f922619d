"""Sessions as plain values, in the shape of `wire`'s responses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anybone.core.prompts import Box, Lasso, MaskHint, Point, Prompt, Scribble
from anybone.server.open_session import OpenSession

if TYPE_CHECKING:
    from anybone.core.run_lengths import RunLengths
    from anybone.interactive.session import Session

_DECIMALS = 3
_TAIL = 5  # history steps in a change


def session_row(opened: OpenSession) -> dict[str, Any]:
    """Return a session with everything that a page needs (`wire.SessionInfo`)."""
    session, record = opened.session, opened.record
    geometry, source = session.volume.geometry, session.volume.source
    return {
        "id": opened.id,
        "name": record.name,
        "source": {
            "path": record.path,
            "format": source.format,
            "series": record.series or source.series,
            "description": source.description,
            "notes": list(source.notes),
        },
        "shape": list(geometry.shape_ijk),
        "affine": geometry.affine_ras_mm.tolist(),
        "spacing_mm": list(geometry.spacing_mm),
        "axis": session.axis,
        "slices": geometry.shape_ijk[session.axis],
        "input_warnings": list(session.input_warnings),
        "history": [dataclasses.asdict(step) for step in session.history],
        "flag_below": opened.flag_below,
        "other_series": [*record.other_series],
        **status_row(opened),
    }


def status_row(opened: OpenSession) -> dict[str, Any]:
    """Return what a command may change (`wire.SessionStatus`)."""
    session = opened.session
    return {
        "revision": session.revision,
        "can_undo": session.can_undo,
        "can_redo": session.can_redo,
        "prompts": [prompt_row(prompt) for prompt in session.prompts],
        "mask_slices": session.slices,
        "bones": bone_rows(session),
        "flagged": session.flagged,
        "slice_confidence": {str(n): round(c, _DECIMALS) for n, c in session.slice_confidence.items()},
        "job": None if opened.job is None else opened.job.status(),
        "saved": opened.saved,
    }


def change_row(opened: OpenSession, since: int, result: Any = None) -> dict[str, Any]:
    """Return the difference from a revision (`wire.SessionChange`); `result` is the command's return value."""
    changes = opened.session.changes_since(since)
    return {
        "changed": {
            "mask": slice_rows(changes.mask),
            "labels": slice_rows(changes.labels),
            "complete": changes.complete,
        },
        "history_tail": [dataclasses.asdict(step) for step in opened.session.history[-_TAIL:]],
        **status_row(opened),
        "revision": changes.revision,
        "result": result,
    }


def layer_rows(session: Session) -> dict[str, Any]:
    """Return current mask and committed labels (`wire.SessionLayers`)."""
    layers = session.layers()
    return {
        "revision": layers.revision,
        "mask": slice_rows(layers.mask),
        "labels": slice_rows(layers.labels),
    }


def slice_rows(slices: Mapping[int, RunLengths]) -> list[dict[str, Any]]:
    """Return the run lengths of each slice, in order."""
    return [{"slice": n, "runs": slices[n].to_list()} for n in sorted(slices)]


def bone_rows(session: Session) -> list[dict[str, Any]]:
    """Return the committed bones with their sizes."""
    statistics = {row.label: row for row in session.statistics()}
    rows = []
    for bone in session.bones:
        row = statistics.get(bone.label)
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


def prompt_row(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as `wire.PromptRow`; of a mask only its slice."""
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
    """Return a color as "#rrggbb"."""
    return "#" + "".join(f"{c:02x}" for c in rgb)


def rgb_of(color: str | None) -> tuple[int, int, int] | None:
    """Return the color of "#rrggbb"."""
    return None if color is None else (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
