"""Methods that a benchmark compares, trained by the same loop on the same data, in one visible dict.

Add a method as a line in `METHODS`. Values that it does not change are the protocol's. "NAME @ 0.0003" is the same
method with another learning rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from anybone.core.errors import UsageError
from anybone.evaluation.networks import NETWORKS
from anybone.evaluation.standard import StandardSlices, StandardVolumes
from anybone.models.network import Network
from anybone.training.config import TrainingConfig
from anybone.training.loop import bone_sam
from anybone.training.stages import STAGES

AT = " @ "  # between a name and a learning rate
FRAME_STEP = 32  # a side of the input is a multiple


@dataclass(frozen=True)
class TrainingRun:
    """One of the consecutive training runs of a method.

    Attributes:
        stage: Trained weights, a key of `stages.STAGES`.
        fraction: Fraction of the budget.
    """

    stage: str = "everything"
    fraction: float = 1.0


@dataclass(frozen=True)
class Method:
    """Method of a benchmark.

    Attributes:
        about: Description for readers of a table.
        kind: "ours"; a standard network on "slices" or "volumes"; "classical" without weights; or installed "weights".
        runs: Training runs, one after the other; each starts from the weights of the previous one.
        named: Key of `NETWORKS` or `BASELINES`; or the name of weights.
        model: Changes to the protocol's `ModelConfig`.
        training: Changes to its `TrainingConfig`.
        scale: Size of the input frame relative to the protocol's.
    """

    about: str
    kind: Literal["ours", "slices", "volumes", "classical", "weights"] = "ours"
    runs: tuple[TrainingRun, ...] = (TrainingRun(),)
    named: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    scale: float = 1.0

    @property
    def takes_prompts(self) -> bool:
        """Support of clicks."""
        return self.kind not in ("slices", "volumes")

    def config(self, common: TrainingConfig, run: TrainingRun, seed: int) -> TrainingConfig:
        """Return the training configuration of a run."""
        sees = STAGES[run.stage].sees
        size = max(FRAME_STEP, round(common.model.image_size * self.scale / FRAME_STEP) * FRAME_STEP)
        changes = dict(self.model)
        adapters = changes.pop("adapter_stages", common.model.tiny_vit.adapter_stages)
        model = replace(
            common.model, image_size=size, tiny_vit=replace(common.model.tiny_vit, adapter_stages=adapters), **changes
        )
        # Of whichever kind it is; a standard network on volumes takes its place.
        model = replace(model, depth_attention=None if sees == "slices" else model.depth_attention or "light")
        training = {"seed": seed, "stage": run.stage, **self.training}
        if self.kind != "ours":
            training |= {"prompts": {}, "start": ""}
        return replace(common, model=model, **training)

    def build(self, config: TrainingConfig) -> Network:
        """Build the network to train, before its first step."""
        match self.kind:
            case "slices":
                return StandardSlices(self.named, config.model.image_size)
            case "volumes":
                return StandardVolumes(self.named)
            case _:
                return bone_sam(config)


def method(name: str) -> Method:
    """Return the method of that name, or of "NAME @ RATE".

    Raises:
        UsageError: There is none, or the rate is no positive number.
    """
    known, at, rate = name.partition(AT)
    if known not in METHODS:
        raise UsageError(f"There is no method {known!r}. Choose from {', '.join(METHODS)}.")
    one = METHODS[known]
    if not at:
        return one
    if not one.runs:
        raise UsageError(f"{known} is not trained, so it has no learning rate. Leave out {at + rate!r}.")
    return replace(
        one, about=f"{one.about}, with that learning rate", training={**one.training, "learning_rate": _rate(rate)}
    )


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise UsageError(f"A learning rate is a number between 0 and 1, such as 0.0003; found {text!r}.")
    return rate


_TRUNK, _BRANCH, _JOIN = TrainingRun(fraction=0.6), TrainingRun("depth", 0.2), TrainingRun("fusion and heads", 0.2)
_ENCODER, _DECODER = {"adapter_stages": (1, 2)}, {"decoder_adapters": True}

METHODS: Mapping[str, Method] = {
    "ours": Method("every weight of the 2-D network, from the protocol's start"),
    "ours from nothing": Method("the same from random weights", training={"start": ""}),
    # --- what learns: from the protocol's start ---
    "decoder": Method("prompts and decoder alone", runs=(TrainingRun("decoder"),)),
    "encoder adapters": Method(
        "adapters of the encoder alone", runs=(TrainingRun("encoder adapters"),), model=_ENCODER
    ),
    "decoder adapters": Method(
        "adapters of the decoder alone", runs=(TrainingRun("decoder adapters"),), model=_DECODER
    ),
    "adapters": Method(
        "adapters of encoder and decoder, as published", runs=(TrainingRun("adapters"),), model=_ENCODER | _DECODER
    ),
    "adapters and heads": Method(
        "adapters, and what reads masks off", runs=(TrainingRun("adapters and heads"),), model=_ENCODER | _DECODER
    ),
    "lora": Method("low-rank updates of attention, and heads", runs=(TrainingRun("lora"),)),
    "last stage": Method("all but the encoder's early stages", runs=(TrainingRun("last stage"),)),
    # --- the 3-D branch, for two fifths of the budget, and how it is joined ---
    "gate": Method("with the 3-D branch, joined by the gate, as published", runs=(_TRUNK, _BRANCH, _JOIN)),
    "product": Method(
        "with the 3-D branch, joined by a product", runs=(_TRUNK, _BRANCH, _JOIN), model={"fusion": "product"}
    ),
    "concatenation": Method(
        "with the 3-D branch, joined by concatenation",
        runs=(_TRUNK, _BRANCH, _JOIN),
        model={"fusion": "concatenation"},
    ),
    # --- what is learned from ---
    "automatic alone": Method("never shown a prompt", training={"prompts": {}}),
    "synthetic alone": Method("synthetic anatomy alone", training={"sources": {"synthetic": 1.0}}),
    "real alone": Method("patients alone", training={"sources": {"real": 1.0}}),
    "smaller frame": Method("two thirds of the protocol's input size", scale=2 / 3),
    "larger frame": Method("one and a half times the protocol's input size", scale=1.5),
    # --- standard networks, from nothing ---
    **{f"{name} 2d": Method(f"{name} on slices", "slices", named=name) for name in NETWORKS},
    **{
        f"{name} 3d": Method(f"{name} on volumes of 64 cells", "volumes", (TrainingRun("depth"),), name)
        for name in NETWORKS
    },
    # --- what learns nothing ---
    "classical": Method("the method without weights", "classical", (), "classical"),
    "default weights": Method("the weights that ship, as they are", "weights", ()),
}
