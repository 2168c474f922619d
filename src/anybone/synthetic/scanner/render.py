"""Renderer: random slices of label maps as a scanner would show them, by the batch, for training."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from anybone.core.array_types import Bool, Float, Int
from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast
from anybone.synthetic.contrast.draw import draw_contrast
from anybone.synthetic.contrast.protocols import SEQUENCES
from anybone.synthetic.contrast.texture import BLOCK
from anybone.synthetic.scanner.aim import Aim, draw_frames
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.fields import Space, warp_vx
from anybone.synthetic.scanner.frames import Frames
from anybone.synthetic.scanner.kspace import draw_acquisition
from anybone.synthetic.scanner.reconstruction import develop
from anybone.synthetic.scanner.sample import Slices, sample


@dataclass(frozen=True)
class RenderOptions:
    """Distribution of the images drawn for training.

    Attributes:
        size: Rows and columns.
        slices: Neighboring slices in a stack; labels are given for all.
        layers: Thin layers averaged in a slice; an odd number, since ties go to bone and would widen it.
        mixture_share: Share of images of random contrast.
        sequences: The others' sequences.
        warp_share: Share of images whose anatomy is warped smoothly.
        warp_mm: Deviation of that displacement.
        wrap_share: Share of images in which what lies beyond the field of view folds back into it.
        aim: Distribution of the frames.
    """

    size: int = 256
    slices: int = 1
    layers: int = 5
    mixture_share: float = 0.3
    sequences: tuple[str, ...] = tuple(SEQUENCES)
    warp_share: float = 0.5
    warp_mm: tuple[float, float] = (0.5, 3.0)
    wrap_share: float = 0.05
    aim: Aim = field(default_factory=Aim)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return (self.slices, self.size, self.size)


@dataclass(frozen=True)
class Rendered:
    """A batch.

    Attributes:
        image: float32, at least 0; a bright common tissue is about 1 where the coil is neither strong nor weak.
        bone: int16 number of the bone in its map, 0 for none.
        faint: Mask of pixels where the coil receives too little to see bone; excluded from training.
        frames: Positions of the slices; `frames.which` is the map, `frames.spacing_mm` the voxel size.
        contrasts: Name of each image's sequence, or "mixture".
    """

    image: Float[Tensor, "b s h w"]
    bone: Int[Tensor, "b s h w"]
    faint: Bool[Tensor, "b s h w"]
    frames: Frames
    contrasts: tuple[str, ...]

    @property
    def mask(self) -> Bool[Tensor, "b s h w"]:
        """All bones together."""
        return self.bone > 0


class Renderer:
    """Draws batches from an atlas.

    Args:
        atlas: Its device is where images are made and returned.
        options: Distribution of the images.
    """

    def __init__(self, atlas: Atlas, options: RenderOptions | None = None) -> None:
        self.atlas, self.options = atlas, options or RenderOptions()

    def draw(self, count: int, seed: int, which: Int[Tensor, " b"] | None = None) -> Rendered:
        """Draw a batch of `count` images; deterministic for a seed and a kind of device.

        Args:
            count: Number of images.
            seed: Any whole number from 0.
            which: Numbers of the maps; drawn at random if None.
        """
        rng, options = BatchRng(seed), self.options
        which = rng.below(len(self.atlas), count) if which is None else which
        frames = draw_frames(self.atlas, which, options.shape, options.aim, rng)
        contrast = draw_contrast(count, rng, options.mixture_share, options.sequences)
        acquisition = draw_acquisition(frames, contrast, rng)
        slices = self._slices(frames, contrast.to(self.atlas.voxels.device), rng)
        image, faint = develop(slices, frames, contrast, acquisition, self.atlas, rng)
        shown = frames.shows(options.size, options.size).to(image.device)
        return Rendered(image * shown, slices.labels * shown, faint & shown, frames, contrast.names)

    def _slices(self, frames: Frames, contrast: Contrast, rng: BatchRng) -> Slices:
        """Signal and bone, warped and wrapped."""
        options, count, device = self.options, len(frames), self.atlas.voxels.device
        space = Space.of(frames, options.shape)
        texture_at = rng.below(BLOCK**3, count)
        control = warp_vx(space, self.atlas.spacing_mm[frames.which], options.warp_mm, rng)
        control = control * rng.chance(options.warp_share, count)[:, None, None, None, None]

        def warp(which: Tensor, part: slice) -> Tensor:
            return space.spread(control, which, part, device)

        slices = sample(self.atlas, frames, contrast, options.shape, options.layers, texture_at, warp)
        folded = rng.chance(options.wrap_share, count).nonzero()[:, 0]
        if len(folded):
            _fold(slices, self.atlas, frames, contrast, folded, options, rng)
        return slices


def _fold(
    slices: Slices,
    atlas: Atlas,
    frames: Frames,
    contrast: Contrast,
    which: Tensor,
    options: RenderOptions,
    rng: BatchRng,
) -> None:
    """Add the signal from a whole field of view above and below, in place, for some of the images.

    Fewer layers do: the folded part is blurred by what it lies on.
    """
    part = contrast[which]
    for rows in (-options.size, options.size):
        beyond = sample(atlas, frames[which].moved(rows, 0), part, options.shape, layers=2)
        faded = rng.uniform(0.1, 0.7, len(which), 1, 1, 1).to(beyond.signal.device)
        slices.signal[which] += beyond.signal * faded
