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
    """Return the network of the shipped weights: a full TinyViT at 384 pixels, 2-D, with detail channels."""
    return ModelConfig(
        image_size=384,
        tiny_vit=TinyVitConfig(adapter_stages=(), classes=0),
        decoder_adapters=False,
        detail_channels=8,
        depth_attention=None,
    )


def small_model() -> ModelConfig:
    """Return a network a quarter of that size, which can be trained from scratch on a CPU."""
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
    """Return the published network without its 3-D branch: a full TinyViT with adapters at 1024 pixels."""
    return replace(ModelConfig(), depth_attention=None)


# The networks that a recipe's [model] can be `like`.
MODELS: Mapping[str, Callable[[], ModelConfig]] = {
    "default": default_model,
    "small": small_model,
    "published": published_model,
}


@dataclass(frozen=True)
class Augmentation:
    """Strength of augmentation; ranges are drawn from uniformly, probabilities are per image.

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
        lesion: Probability of a lesion in the soft tissue, in synthetic slices too (see `training.lesions`).
        ghost: Probability of a faint shifted copy, as motion leaves.
        degraded: Probability that tone, sharpness and grain change, of synthetic slices too (see `training.degrade`).
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
    lesion: float = 0.15
    ghost: float = 0.1
    degraded: float = 1.0


@dataclass(frozen=True)
class TrainingConfig:
    """A run.

    Attributes:
        model: Sizes of the network.
        start: Initial weights: a checkpoint, or a SAM, MobileSAM or LiteMedSAM `.pth`; weights that fit are copied.
            "": random initialization.
        stage: Weights to train, a key of `stages.STAGES`.
        augmentation: Augmentation of real slices.
        steps: Number of optimizer steps; the learning rate follows the fraction that is done.
        batch: Images per step.
        micro_batches: Number of equal parts of a batch, computed one after the other (gradient accumulation) or
            divided among processes; see docs/how-to/train.md.
        learning_rate: Highest learning rate, after warmup.
        warmup_fraction: Fraction of the steps in which the learning rate rises.
        schedule: Decay of the learning rate after warmup, a key of `schedules.SCHEDULES`.
        weight_decay: Weight decay of AdamW.
        clip_norm: Largest norm of the gradient.
        ema: Decay of the exponential moving average of the weights.
        sources: Fraction of the images from each source: "real" slices of patients, "synthetic" anatomy.
        empty_slice_fraction: Fraction of slices without bone among the real ones.
        prompts: Relative frequency of each kind of prompt, keys of `simulate_prompts.PROMPTS`. Every step also trains
            the automatic mask, since its image is encoded anyway. Empty: only the automatic mask is trained.
        corrections: Number of simulated clicks, each in an error of the previous mask.
        automatic_fraction: Fraction of steps that correct the automatic mask; the others correct the prompted one.
        focal_gamma: Exponent of the focal weight on the cross-entropy (Lin et al. 2017); 0 is plain cross-entropy, as
            published.
        boundary_loss_weight: Weight of the boundary term relative to Dice and cross-entropy; 0 as published.
        click_loss_weight: Weight of an additional cross-entropy around each corrective click; with 0, a network learns
            to follow the whole slice rather than the click.
        quality_weight: Weight of the quality head's squared error.
        save_steps: Steps between checkpoints.
        validate_steps: Steps between validations.
        bfloat16: Computation of the encoder, or of the 3-D branch, in bfloat16: twice as fast on CPUs and GPUs that
            support it, many times slower on other CPUs.
        seed: Seed of every random draw.
        threads: Threads of torch; 0 keeps torch's default.
        device: Device of the training: "cpu", "cuda", "mps".

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
    micro_batches: int = 1
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.03
    schedule: str = "cosine"
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    ema: float = 0.998
    sources: Mapping[str, float] = field(default_factory=lambda: {"real": 1.0})
    empty_slice_fraction: float = 0.08
    prompts: Mapping[str, float] = field(
        default_factory=lambda: {"points": 0.45, "boxes": 0.2, "scribbles": 0.1, "mask": 0.1, "mixed": 0.15}
    )
    corrections: int = 2
    automatic_fraction: float = 0.5
    focal_gamma: float = 0.0
    boundary_loss_weight: float = 0.0
    click_loss_weight: float = 0.0
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
        if self.micro_batches < 1 or self.batch % self.micro_batches:
            raise UsageError(f"batch must be a multiple of micro_batches; found {self.batch} and {self.micro_batches}.")
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
            model_with_branch = " or ".join(repr(name) for name, stage in STAGES.items() if stage.sees != "slices")
            raise UsageError(
                f"Stage {self.stage!r} trains on slices alone, so the 3-D branch ({branch!r}) would stay untrained. "
                f"Set depth_attention to None, or train it in stage {model_with_branch}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values."""
        return asdict(self)
