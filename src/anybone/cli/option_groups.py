"""Option groups: dataclasses whose fields become options of a command, so that commands take few parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, get_type_hints

from anybone.cli import options as opt
from anybone.core.errors import UsageError


@dataclass(frozen=True)
class FileOptions:
    """Inputs and outputs of a run; see `options` for each field."""

    inputs: opt.Inputs = None
    more_inputs: opt.MoreInputs = None
    output: opt.Output = None
    series: opt.Series = None
    frame: opt.Frame = None
    preview: opt.Preview = False
    statistics: opt.Statistics = False
    save_probabilities: opt.SaveProbabilities = False
    force: opt.Force = False
    resume: opt.Resume = False

    @property
    def paths(self) -> list[Path]:
        """All inputs, in the order given."""
        return [*(self.inputs or []), *(self.more_inputs or [])]


@dataclass(frozen=True)
class RunOptions:
    """Method, device and speed."""

    weights: opt.Weights = None
    method: opt.Method = None
    device: opt.DeviceName = "auto"
    fast: opt.Fast = False
    bfloat16: opt.Bfloat16 = False


@dataclass(frozen=True)
class PromptOptions:
    """Prompts and propagation."""

    point: opt.Points = None
    not_point: opt.NotPoints = None
    box: opt.Boxes = None
    scribble: opt.Scribbles = None
    mask: opt.Masks = None
    prompts: opt.PromptsFile = None
    world: opt.World = False
    name: opt.BoneName = None
    propagate: opt.Propagate = False
    first: opt.First = None
    last: opt.Last = None
    direction: opt.Way = opt.Direction.both

    def check_range(self) -> None:
        """Raise `UsageError` if the range of propagation is reversed."""
        if self.first is not None and self.last is not None and self.first > self.last:
            raise UsageError(f"--from {self.first} is above --to {self.last}. Give the lower slice first.")


@dataclass(frozen=True)
class AdvancedOptions:
    """Fields of `SegmentOptions`; None uses the value of the preset."""

    preprocessing: opt.PreprocessingName = opt.Preprocessing.default
    axis: opt.Axis = None
    threshold: opt.Threshold = 0.0
    smoothing_mm: opt.Smoothing = None
    min_signal: opt.MinSignal = None
    min_component_mm3: opt.MinComponent = None
    max_hole_mm3: opt.MaxHole = None

    def given(self) -> dict[str, Any]:
        """Return the options that were given, without the preset."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "preprocessing"}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class MessageOptions:
    """Verbosity."""

    quiet: opt.Quiet = False
    verbose: opt.Verbose = 0


def with_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Expand the dataclass parameters of a command into one parameter for each of their fields.

    Typer reads the expanded signature; the command receives the dataclasses.
    """
    groups = {name: hint for name, hint in get_type_hints(command).items() if name != "return" and is_dataclass(hint)}
    hints: dict[str, Any] = {}
    parameters = []
    for group in groups.values():
        annotations = get_type_hints(group, include_extras=True)
        for field in fields(group):
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            hints[field.name] = annotations[field.name]
            parameters.append(
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name]
                )
            )

    @wraps(command)
    def expanded(**values: Any) -> None:
        made = {
            name: group(**{f.name: values[f.name] for f in fields(group) if f.name in values})  # type: ignore[operator]
            for name, group in groups.items()
        }
        command(**made)

    del expanded.__wrapped__  # else the signature of the command itself is read
    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = hints
    return expanded
