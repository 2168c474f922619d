"""TrainingConfig: every number of a training run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from anybone.core.errors import UsageError
from anybone.models.config import ModelConfig, TinyVitConfig
from anybone.training.schedules import SCHEDULES
from anybone.training.simulate_prompts import PROMPTS
from anybone.training.stages import STAGES


def default_model() -> ModelConfig:
    """The network that the shipped weights belong to: a full TinyViT at 384 pixels, 2-D, masks sharpened by detail."""
    return ModelConfig(
        image_size=384,
        tiny_vit=TinyVitConfig(adapter_stages=(), classes=0),
        decoder_adapters=False,
        detail_channels=8,
        depth_attention=None,
    )


def small_model() -> ModelConfig:
    """A quarter of that, which learns from nothing but one's own cases on a CPU."""
    return ModelConfig(
        image_size=384,
        tiny_vit=TinyVitConfig(
            dims=(32, 64, 128, 192), depths=(1, 2, 4, 1), heads=(1, 2, 4, 6), windows=(7, 8, 16, 8), classes=0
        ),
        embed_dim=128,
        decoder_heads=4,
        decoder_mlp_dim=512,
        detail_channels=8,
        depth_attention=None,
    )


def published_model() -> ModelConfig:
    """The published network without its 3-D branch: a full TinyViT with adapters at 1024 pixels."""
    return replace(ModelConfig(), depth_attention=None)


# The networks that a recipe's [model] can be `like`.
MODELS: Mapping[str, Callable[[], ModelConfig]] = {
    "default": default_model,
    "small": small_model,
    "published": published_model,
}


@dataclass(frozen=True)
class Augmentation:
    """How far images are changed; each range is drawn from uniformly, each probability is per image.

    Attributes:
        zoom: Size of a pixel relative to the frame that holds the whole slice: below 1 looks closer.
        turn_degrees: Largest rotation either way.
        quarter_turns: Probability of a further turn by 90, 180 or 270 degrees, since files come in any orientation.
        flip: Probability of a mirror image.
        stretch: Largest change of the aspect ratio.
        shift: Largest shift, in half frames.
        warp: Largest elastic displacement, in half frames.
        gamma: Exponent of the gray values.
        curve: Probability of a random piecewise-linear gray curve, which may reverse contrast in parts.
        network: Probability of the answer of a random shallow network, mixed with the image (Ouyang et al. 2022: GIN).
        invert: Probability of exchanging dark and bright: marrow is dark with fat suppression.
        bias: Largest change of brightness across the image by a smooth field.
        noise: Largest standard deviation of Rician noise.
        blur: Probability of a loss of resolution.
        mass: Probability of a mass in the soft tissue, of synthetic slices too (see `training.masses`).
        ghost: Probability of a faint shifted copy, as motion leaves.
        tone: Probability of a change of the tone curve and of the black level of a slice, made or real.
        sharpness: Probability of sharpening or smoothing by a Gaussian of 0.6 to 1.6 pixels, made or real.
        grain: Probability of Rician noise of 0.4 to 4 % of the range, white at an acquired pixel of 1 to 2.2 pixels.
    """

    zoom: tuple[float, float] = (0.45, 1.6)
    turn_degrees: float = 45.0
    quarter_turns: float = 0.3
    flip: float = 0.5
    stretch: float = 0.25
    shift: float = 0.35
    warp: float = 0.06
    gamma: tuple[float, float] = (0.6, 1.7)
    curve: float = 0.35
    network: float = 0.2
    invert: float = 0.12
    bias: float = 0.4
    noise: float = 0.08
    blur: float = 0.25
    mass: float = 0.15
    ghost: float = 0.1
    tone: float = 0.5
    sharpness: float = 0.5
    grain: float = 0.6


@dataclass(frozen=True)
class TrainingConfig:
    """A run.

    Attributes:
        model: Sizes of the network.
        start: Weights to begin with: a checkpoint, or a SAM, MobileSAM or LiteMedSAM `.pth`; what fits is taken. "":
            random.
        stage: Which weights are trained: a key of `stages.STAGES`.
        augmentation: How images are changed.
        steps: How many; the learning rate follows the share of them that is done.
        batch: Images a step.
        parts: Into how many equal parts a batch is divided, which processes share, or which one process computes one
            after the other where memory is short; see docs/how-to/train.md.
        learning_rate: Highest, after warm-up.
        warm_up: Share of the steps in which the learning rate rises.
        schedule: How it falls then: a key of `schedules.SCHEDULES`.
        weight_decay: Of AdamW.
        clip_norm: Largest norm of the gradient.
        ema: How much of the averaged weights each step keeps.
        sources: What share of the images each source gives: "real" slices of patients, "synthetic" anatomy.
        empty_share: Share of slices without bone among the real ones.
        prompts: How often each kind of prompt is drawn, relative to the others: keys of `simulate_prompts.PROMPTS`. All
            bone without any prompt is asked for in every step besides, since its image is encoded anyway. Empty: the
            automatic answer is all that is learned, without prompts and corrections.
        corrections: Rounds of one click each in what the last answer got wrong.
        automatic_share: Share of steps that correct the automatic answer; the others correct the prompted one.
        focal: Exponent of the focal weight on the cross-entropy (Lin et al. 2017); 0 is plain cross-entropy, as
            published.
        boundary: Weight of the boundary term beside Dice and cross-entropy; 0 as published.
        click: Weight of a further cross-entropy around each corrective click: without, a network learns to heed the
            whole slice and not the click.
        quality_weight: Of the quality head's squared error.
        save_steps: Between checkpoints.
        validate_steps: Between validations.
        bfloat16: Whether the encoder, or the 3-D branch, computes in bfloat16: twice as fast on CPUs and GPUs that have
            it, and on other CPUs many times slower.
        seed: Of every random draw.
        threads: Of torch; 0 leaves torch's choice.
        device: Where: "cpu", "cuda", "mps".

    Raises:
        UsageError: A stage, schedule or kind of prompt that there is not, a batch that cannot be divided, or a stage
            that does not fit the model's 3-D branch, or its absence.
    """

    model: ModelConfig = field(default_factory=small_model)
    start: str = ""
    stage: str = "everything"
    augmentation: Augmentation = field(default_factory=Augmentation)
    steps: int = 6000
    batch: int = 8
    parts: int = 1
    learning_rate: float = 1e-3
    warm_up: float = 0.03
    schedule: str = "cosine"
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    ema: float = 0.998
    sources: Mapping[str, float] = field(default_factory=lambda: {"real": 1.0})
    empty_share: float = 0.08
    prompts: Mapping[str, float] = field(
        default_factory=lambda: {"points": 0.45, "boxes": 0.2, "scribbles": 0.1, "mask": 0.1, "mixed": 0.15}
    )
    corrections: int = 2
    automatic_share: float = 0.5
    focal: float = 0.0
    boundary: float = 0.0
    click: float = 0.0
    quality_weight: float = 0.1
    save_steps: int = 200
    validate_steps: int = 1000
    bfloat16: bool = True
    seed: int = 0
    threads: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise UsageError(f"stage is one of {', '.join(STAGES)}; found {self.stage!r}.")
        if self.schedule not in SCHEDULES:
            raise UsageError(f"schedule is one of {', '.join(SCHEDULES)}; found {self.schedule!r}.")
        if self.parts < 1 or self.batch % self.parts:
            raise UsageError(f"batch is a multiple of parts; found {self.batch} and {self.parts}.")
        unknown = sorted(set(self.prompts) - set(PROMPTS))
        if unknown or (self.prompts and not any(weight > 0 for weight in self.prompts.values())):
            raise UsageError(f"prompts has weights for {', '.join(PROMPTS)}; found {dict(self.prompts)}.")
        self._check_branch()

    def _check_branch(self) -> None:
        branch, sees = self.model.depth_attention, STAGES[self.stage].sees
        if branch is None and sees != "slices":
            raise UsageError(
                f"Stage {self.stage!r} is about the 3-D branch, and the model has none. "
                'Set depth_attention = "light" in [model].'
            )
        if branch is not None and sees == "slices":
            with_branch = " or ".join(repr(name) for name, stage in STAGES.items() if stage.sees != "slices")
            raise UsageError(
                f"Stage {self.stage!r} trains on slices alone, so the 3-D branch ({branch!r}) would stay untrained. "
                f"Set depth_attention to None, or train it in stage {with_branch}."
            )

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain values."""
        return asdict(self)
