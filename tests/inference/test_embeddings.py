from __future__ import annotations

from threading import Barrier, Thread

import pytest
import torch

from anybone.core.progress import Clock
from anybone.inference.embeddings import EmbeddingCache
from anybone.inference.options import SegmentOptions
from anybone.inference.preprocessing import prepare


@pytest.fixture
def prepared(network, volume):
    return prepare(network, volume, SegmentOptions(), Clock())


def test_made_once_and_kept(network, prepared):
    known = EmbeddingCache(network, prepared, Clock())
    first = known.get(2)
    assert known.get(2) is first
    assert known.fill([1, 2, 3]) == 2
    assert known.cached_slices == [1, 2, 3]
    assert network.encoded == 3


def test_a_batch_is_what_single_slices_are(network, prepared):
    together, alone = EmbeddingCache(network, prepared, Clock()), EmbeddingCache(network, prepared, Clock())
    together.fill([0, 3, 4])
    for k in (0, 3, 4):
        assert torch.equal(together.get(k), alone.get(k))


def test_the_least_recent_goes_first(network, prepared):
    one = EmbeddingCache(network, prepared, Clock()).get(0).nbytes
    known = EmbeddingCache(network, prepared, Clock(), capacity_bytes=2 * one)
    known.get(0), known.get(1), known.get(0), known.get(2)
    assert known.cached_slices == [0, 2]
    assert network.encoded == 4


def test_threads_that_want_one_slice_encode_it_once(network, prepared, monkeypatch):
    known, gate, found = EmbeddingCache(network, prepared, Clock()), Barrier(4), []
    encode = network.encode

    def slow(images):
        Barrier(1).wait()
        return encode(images)

    monkeypatch.setattr(network, "encode", slow)

    def ask():
        gate.wait()
        found.append(known.get(3))

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(found) == 4
    assert all(one is found[0] for one in found)
    assert network.encoded == 1


def test_a_failure_is_no_lock_for_ever(network, prepared, monkeypatch):
    known = EmbeddingCache(network, prepared, Clock())
    with monkeypatch.context() as broken:
        broken.setattr(network, "encode", lambda images: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            known.get(1)
    assert known.get(1) is not None
