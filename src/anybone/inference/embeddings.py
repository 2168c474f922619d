"""Embeddings: what the network makes of each slice, kept; asked for from several threads, made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Condition

import torch
from torch import Tensor

from anybone.inference.preprocessing import Prepared, embed
from anybone.inference.progress import Clock
from anybone.models.network import Network

CACHE_BYTES = 512 << 20  # embeddings kept; a 1024-pixel network's take 4 MiB a slice


class Embeddings:
    """The embeddings of one volume's slices, the least recently used forgotten first.

    Args:
        network: What encodes.
        prepared: The volume, cut into slices.
        clock: Counts the seconds of encoding.
        capacity_bytes: How much is kept.
    """

    def __init__(self, network: Network, prepared: Prepared, clock: Clock, capacity_bytes: int = CACHE_BYTES) -> None:
        self._network, self._prepared, self._clock = network, prepared, clock
        self._capacity = capacity_bytes
        self._kept: OrderedDict[int, Tensor] = OrderedDict()
        self._busy: set[int] = set()  # slices that some thread is encoding
        self._changed = Condition()

    @property
    def known(self) -> list[int]:
        """The slices whose embedding is kept now."""
        with self._changed:
            return sorted(self._kept)

    def get(self, index: int) -> Tensor:
        """The embedding of one slice, "1 c h w"; waits where another thread is making it."""
        while True:
            found = self._known(index)
            if found is not None:
                return found
            made = self._make([index])
            if made:
                return made[index]

    def fill(self, indices: Sequence[int]) -> int:
        """How many of some slices had to be encoded, together; all of them are then known, or were just made.

        Args:
            indices: As many as are encoded in one batch.
        """
        made = self._make(indices)
        for index in indices:
            if index not in made:
                self._known(index)  # waits for the thread that makes it
        return len(made)

    def _known(self, index: int) -> Tensor | None:
        with self._changed:
            self._changed.wait_for(lambda: index not in self._busy)
            if index in self._kept:
                self._kept.move_to_end(index)
            return self._kept.get(index)

    def _make(self, indices: Sequence[int]) -> dict[int, Tensor]:
        """Those that were neither known nor being made."""
        with self._changed:
            wanted = [k for k in indices if k not in self._kept and k not in self._busy]
            self._busy.update(wanted)
        made: dict[int, Tensor] = {}
        try:
            if wanted:
                batch = torch.split(embed(self._network, self._prepared, wanted, self._clock), 1)
                # a part of a batch would keep the whole batch alive
                made = {k: one.clone() if len(wanted) > 1 else one for k, one in zip(wanted, batch, strict=True)}
        finally:
            with self._changed:
                self._busy.difference_update(wanted)
                self._keep(made)
                self._changed.notify_all()
        return made

    def _keep(self, made: dict[int, Tensor]) -> None:
        self._kept.update(made)
        used = sum(e.nbytes for e in self._kept.values())
        while used > self._capacity and len(self._kept) > 1:
            used -= self._kept.popitem(last=False)[1].nbytes
