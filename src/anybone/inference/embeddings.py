"""Steps 5 and 6, encode and fuse: the embedding of each slice, computed once and cached across threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Condition

import torch
from torch import Tensor

from anybone.core.progress import Clock
from anybone.inference.attention import slice_attention
from anybone.inference.preprocessing import PreparedVolume, render
from anybone.models.network import Network, device_of

CACHE_BYTES = 512 << 20  # capacity of the cache; embeddings of a 1024-pixel network take 4 MiB per slice


@torch.inference_mode()
def embed(network: Network, prepared: PreparedVolume, indices: Sequence[int], clock: Clock) -> Tensor:
    """Run steps 5 encode and 6 fuse on some slices, and return their embeddings, batch first."""
    frames = [prepared.frames[k] for k in indices]
    with clock.step("encode"):
        images = torch.cat([render(prepared.normalized, frame, prepared.options) for frame in frames])
        device = device_of(network)
        with torch.autocast(device.type, torch.bfloat16, enabled=prepared.options.bfloat16):
            embedding = network.encode(images.to(device)).float()
    if prepared.probability is None:
        return embedding
    with clock.step("fuse"):
        maps = [slice_attention(prepared.probability, frame, len(prepared.frames)) for frame in frames]
        return network.fuse(embedding, torch.cat(maps))


class EmbeddingCache:
    """The embeddings of one volume's slices; the least recently used are dropped first.

    Several threads may ask for the same slice: one of them encodes it, the others wait.

    Args:
        network: Network that encodes.
        prepared: The prepared volume.
        clock: Timer of the steps.
        capacity_bytes: Maximum total size of the embeddings.
    """

    def __init__(
        self, network: Network, prepared: PreparedVolume, clock: Clock, capacity_bytes: int = CACHE_BYTES
    ) -> None:
        self._network, self._prepared, self._clock = network, prepared, clock
        self._capacity = capacity_bytes
        self._cached: OrderedDict[int, Tensor] = OrderedDict()
        self._busy: set[int] = set()  # slices that some thread is encoding
        self._changed = Condition()

    @property
    def cached_slices(self) -> list[int]:
        """Indices of the slices whose embedding is cached now."""
        with self._changed:
            return sorted(self._cached)

    def get(self, index: int) -> Tensor:
        """Return the embedding of one slice, "1 c h w"; encode it, or wait for the thread that does, if necessary."""
        while True:
            found = self._lookup(index)
            if found is not None:
                return found
            encoded = self._encode_missing([index])
            if encoded:
                return encoded[index]

    def fill(self, indices: Sequence[int]) -> int:
        """Encode those of some slices that are not cached, in one batch, and return their number.

        Args:
            indices: Slices, at most one batch.
        """
        encoded = self._encode_missing(indices)
        for index in indices:
            if index not in encoded:
                self._lookup(index)  # waits for the thread that encodes it
        return len(encoded)

    def _lookup(self, index: int) -> Tensor | None:
        with self._changed:
            self._changed.wait_for(lambda: index not in self._busy)
            if index in self._cached:
                self._cached.move_to_end(index)
            return self._cached.get(index)

    def _encode_missing(self, indices: Sequence[int]) -> dict[int, Tensor]:
        """Encode the slices that are neither cached nor being encoded."""
        with self._changed:
            missing = [k for k in indices if k not in self._cached and k not in self._busy]
            self._busy.update(missing)
        encoded: dict[int, Tensor] = {}
        try:
            if missing:
                batch = torch.split(embed(self._network, self._prepared, missing, self._clock), 1)
                # a view of the batch would keep the whole batch in memory
                encoded = {k: e.clone() if len(missing) > 1 else e for k, e in zip(missing, batch, strict=True)}
        finally:
            with self._changed:
                self._busy.difference_update(missing)
                self._store(encoded)
                self._changed.notify_all()
        return encoded

    def _store(self, encoded: dict[int, Tensor]) -> None:
        self._cached.update(encoded)
        used = sum(e.nbytes for e in self._cached.values())
        while used > self._capacity and len(self._cached) > 1:
            used -= self._cached.popitem(last=False)[1].nbytes
