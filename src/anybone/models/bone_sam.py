"""BoneSam: the network with its four verbs, encode, attend, fuse, decode."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.errors import PromptError
from anybone.models.config import ModelConfig
from anybone.models.encoders import ENCODERS
from anybone.models.fusion import FUSIONS
from anybone.models.network import Network
from anybone.models.sam.layers import fold_batch_norms
from anybone.models.sam.mask_decoder import MaskDecoder
from anybone.models.sam.prompt_encoder import PromptEncoder
from anybone.models.volume_branch import DEPTH_BRANCHES


class BoneSam(Network):
    """SegmentAnyBone (Gu et al. 2025): a SAM whose embedding is fused with attention from the whole volume.

    Everything is in the network's own frame: images are `b 3 h w`, normalized, h and w multiples of 32 and at most
    `config.image_size`; coordinates are (x, y) in pixels of that frame.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ENCODERS[config.encoder](config)
        self.prompt_encoder = PromptEncoder(config.embed_dim, config.image_size, config.prompt_mask_channels)
        self.mask_decoder = MaskDecoder(config)
        self.depth_attention = DEPTH_BRANCHES[config.depth_attention]() if config.depth_attention else None
        self.fusion = FUSIONS[config.fusion](config.embed_dim) if config.depth_attention else None

    @property
    def image_size(self) -> int:
        """Side of the input frame in pixels."""
        return self.config.image_size

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h16 w16"]:
        """Return the image embedding, one cell for 16 x 16 pixels."""
        return self.encoder(images)  # type: ignore[no-any-return]

    def fuse(
        self, embedding: Float[Tensor, "b c h w"], attention: Float[Tensor, "*b h2 w2"]
    ) -> Float[Tensor, "b c h w"]:
        """Return the embedding fused with attention maps; unchanged for a network without a 3-D branch.

        One map "h2 w2" is taken for one image.
        """
        if self.fusion is None:
            return embedding
        attention = attention[None] if attention.ndim == 2 else attention
        own = self.config.embed_dim  # what follows is detail
        return torch.cat([self.fusion(embedding[:, :own], attention), embedding[:, own:]], 1)

    def decode(
        self,
        embedding: Float[Tensor, "b c h w"],
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_logits: Tensor | None = None,
    ) -> tuple[Float[Tensor, "b masks h4 w4"], Float[Tensor, "b masks"]]:
        """Return mask logits (channel 1 is bone, above 0) and predicted quality; without prompts: all bone.

        Args:
            embedding: Embedding from `encode` or `fuse`.
            points_xy: `b n 2`, pixels of the input frame.
            point_labels: `b n`: 1 bone, 0 not bone, -1 padding.
            boxes_xyxy: `b m 4`, several boxes an image; `m 4` is taken as all boxes of one image.
            mask_logits: `b 1 4h 4w`, usually the bone channel of an earlier answer.

        Raises:
            PromptError: Shapes that do not fit the embedding.
        """
        b, _, h, w = embedding.shape
        points_xy, point_labels = _points(points_xy, point_labels, b, embedding)
        boxes_xyxy = _boxes(boxes_xyxy, b, embedding)
        if mask_logits is not None and mask_logits.shape != (b, 1, 4 * h, 4 * w):
            raise PromptError(f"mask_logits must be {(b, 1, 4 * h, 4 * w)}; found {tuple(mask_logits.shape)}.")
        tokens = self.prompt_encoder.tokens(b, points_xy, point_labels, boxes_xyxy)
        dense = self.prompt_encoder.dense(mask_logits, h, w)
        return self.mask_decoder(embedding, self.prompt_encoder.position.grid(h, w), tokens, dense)  # type: ignore[no-any-return]

    def tell_apart(self, embedding: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n h4 w4"]:
        """Return the logits of each of the network's n named bones, in their order in `config.bones`."""
        b, _, h, w = embedding.shape
        if not self.config.bones:
            return embedding.new_zeros(b, 0, 4 * h, 4 * w)
        tokens, dense = self.prompt_encoder.tokens(b, None, None, None), self.prompt_encoder.dense(None, h, w)
        position = self.prompt_encoder.position.grid(h, w)
        return self.mask_decoder(embedding, position, tokens, dense, by_name=True)[0]  # type: ignore[no-any-return]

    def inference_copy(self) -> BoneSam:
        """Return a copy of this network that is ready to run."""
        return copy.deepcopy(self).for_inference()

    def for_inference(self) -> BoneSam:
        """Prepare this network for inference: evaluation mode, folded batch norms, channels last. Not trainable."""
        self.eval().requires_grad_(False)
        fold_batch_norms(self)
        return self.channels_last()


def _points(xy: Tensor | None, labels: Tensor | None, batch: int, like: Tensor) -> tuple[Tensor | None, Tensor | None]:
    if xy is None and labels is None:
        return None, None
    if xy is None or labels is None or xy.shape != (*labels.shape, 2) or labels.ndim != 2 or len(xy) != batch:
        found = tuple(None if t is None else tuple(t.shape) for t in (xy, labels))
        raise PromptError(f"points_xy must be ({batch}, n, 2) and point_labels ({batch}, n); found {found}.")
    return xy.to(like), labels.to(like.device).long()


def _boxes(boxes: Tensor | None, batch: int, like: Tensor) -> Tensor | None:
    if boxes is None:
        return None
    if boxes.ndim == 2 and batch == 1:
        boxes = boxes[None]
    if boxes.ndim != 3 or boxes.shape[-1] != 4 or len(boxes) != batch:
        raise PromptError(f"boxes_xyxy must be ({batch}, m, 4); found {tuple(boxes.shape)}.")
    return boxes.to(like)
