"""Contenders: what a benchmark compares, all that learn by the same loop from the same data, in one visible dict.

Adding one: a line in `CONTENDERS`. What it does not say is as the protocol has it. "NAME @ 0.0003" is the same with
another learning rate.
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
class Lesson:
    """A stretch of training.

    Attributes:
        stage: Key of `stages.STAGES`.
        share: Of the budget.
    """

    stage: str = "everything"
    share: float = 1.0


@dataclass(frozen=True)
class Contender:
    """One of those that are compared.

    Attributes:
        about: What it is, for readers of a table.
        kind: "ours"; a standard network on "slices" or "volumes"; "method" without weights; or "weights" as they are.
        lessons: What it learns, one after the other; each starts from what the one before came to.
        named: Key of `NETWORKS` or `BASELINES`; or the name of weights.
        model: Other values of the protocol's `ModelConfig`.
        training: Other values of its `TrainingConfig`.
        scale: Of the input frame against the protocol's.
    """

    about: str
    kind: Literal["ours", "slices", "volumes", "method", "weights"] = "ours"
    lessons: tuple[Lesson, ...] = (Lesson(),)
    named: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    scale: float = 1.0

    @property
    def takes_prompts(self) -> bool:
        """Whether clicks can be tried on it."""
        return self.kind not in ("slices", "volumes")

    def config(self, common: TrainingConfig, lesson: Lesson, seed: int) -> TrainingConfig:
        """The run of a lesson."""
        sees = STAGES[lesson.stage].sees
        size = max(FRAME_STEP, round(common.model.image_size * self.scale / FRAME_STEP) * FRAME_STEP)
        changes = dict(self.model)
        adapters = changes.pop("adapter_stages", common.model.tiny_vit.adapter_stages)
        model = replace(
            common.model, image_size=size, tiny_vit=replace(common.model.tiny_vit, adapter_stages=adapters), **changes
        )
        # Of whichever kind it is; a standard network on volumes takes its place.
        model = replace(model, depth_attention=None if sees == "slices" else model.depth_attention or "light")
        training = {"seed": seed, "stage": lesson.stage, **self.training}
        if self.kind != "ours":
            training |= {"prompts": {}, "start": ""}
        return replace(common, model=model, **training)

    def build(self, config: TrainingConfig) -> Network:
        """The network that learns, before its first step."""
        match self.kind:
            case "slices":
                return StandardSlices(self.named, config.model.image_size)
            case "volumes":
                return StandardVolumes(self.named)
            case _:
                return bone_sam(config)


def contender(name: str) -> Contender:
    """The contender of that name, or of "NAME @ RATE".

    Raises:
        UsageError: There is none, or the rate is no positive number.
    """
    known, at, rate = name.partition(AT)
    if known not in CONTENDERS:
        raise UsageError(f"There is no contender {known!r}. Choose from {', '.join(CONTENDERS)}.")
    one = CONTENDERS[known]
    if not at:
        return one
    if not one.lessons:
        raise UsageError(f"{known} learns nothing: it has no learning rate. Leave out {at + rate!r}.")
    return replace(
        one, about=f"{one.about}, with that learning rate", training={**one.training, "learning_rate": _rate(rate)}
    )


def _rate(told: str) -> float:
    try:
        rate = float(told)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise UsageError(f"A learning rate is a number between 0 and 1, such as 0.0003; found {told!r}.")
    return rate


_TRUNK, _BRANCH, _JOIN = Lesson(share=0.6), Lesson("depth", 0.2), Lesson("fusion and heads", 0.2)
_ENCODER, _DECODER = {"adapter_stages": (1, 2)}, {"decoder_adapters": True}

CONTENDERS: Mapping[str, Contender] = {
    "ours": Contender("every weight of the 2-D network, from the protocol's start"),
    "ours from nothing": Contender("the same from random weights", training={"start": ""}),
    # --- what learns: from the protocol's start ---
    "decoder": Contender("prompts and decoder alone", lessons=(Lesson("decoder"),)),
    "encoder adapters": Contender(
        "adapters of the encoder alone", lessons=(Lesson("encoder adapters"),), model=_ENCODER
    ),
    "decoder adapters": Contender(
        "adapters of the decoder alone", lessons=(Lesson("decoder adapters"),), model=_DECODER
    ),
    "adapters": Contender(
        "adapters of encoder and decoder, as published", lessons=(Lesson("adapters"),), model=_ENCODER | _DECODER
    ),
    "adapters and heads": Contender(
        "adapters, and what reads masks off", lessons=(Lesson("adapters and heads"),), model=_ENCODER | _DECODER
    ),
    "lora": Contender("low-rank updates of attention, and heads", lessons=(Lesson("lora"),)),
    "last stage": Contender("all but the encoder's early stages", lessons=(Lesson("last stage"),)),
    # --- the 3-D branch, for two fifths of the budget, and how it is joined ---
    "gate": Contender("with the 3-D branch, joined by the gate, as published", lessons=(_TRUNK, _BRANCH, _JOIN)),
    "product": Contender(
        "with the 3-D branch, joined by a product", lessons=(_TRUNK, _BRANCH, _JOIN), model={"fusion": "product"}
    ),
    "concatenation": Contender(
        "with the 3-D branch, joined by concatenation",
        lessons=(_TRUNK, _BRANCH, _JOIN),
        model={"fusion": "concatenation"},
    ),
    # --- what is learned from ---
    "automatic alone": Contender("never shown a prompt", training={"prompts": {}}),
    "synthetic alone": Contender("synthetic anatomy alone", training={"sources": {"synthetic": 1.0}}),
    "real alone": Contender("patients alone", training={"sources": {"real": 1.0}}),
    "smaller frame": Contender("two thirds of the protocol's input size", scale=2 / 3),
    "larger frame": Contender("one and a half times the protocol's input size", scale=1.5),
    # --- standard networks, from nothing ---
    **{f"{name} 2d": Contender(f"{name} on slices", "slices", named=name) for name in NETWORKS},
    **{
        f"{name} 3d": Contender(f"{name} on volumes of 64 cells", "volumes", (Lesson("depth"),), name)
        for name in NETWORKS
    },
    # --- what learns nothing ---
    "classical": Contender("the method without weights", "method", (), "classical"),
    "default weights": Contender("the weights that ship, as they are", "weights", ()),
}
