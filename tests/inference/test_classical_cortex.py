"""The classical method on slices drawn by hand: discs of marrow in dark rings."""

from __future__ import annotations

import numpy as np
import pytest

from anybone.inference.classical.cortex import choose, compute_features, find_islands, with_cortex
from anybone.inference.classical.prompted import Prompts, segment

ROWS, COLUMNS = np.indices((256, 256))
FIRST, SECOND = (100, 90), (150, 170)  # two bones' centers


def disc(center: tuple[int, int], radius: float) -> np.ndarray:
    return np.hypot(ROWS - center[0], COLUMNS - center[1]) < radius


def limb(rims: tuple[float, float] = (5.0, 5.0), brightness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A limb with two bones of 20 px, cortex included, and the truth."""
    image = np.zeros((256, 256), dtype=np.float32)
    image[disc((128, 128), 110)] = 0.9  # fat
    image[disc((128, 128), 98)] = 0.35  # muscle
    for center, rim in zip((FIRST, SECOND), rims, strict=True):
        image[disc(center, 20)] = 0.03
        image[disc(center, 20 - rim)] = 0.8
    noise = np.random.default_rng(0).normal(0, 0.01, image.shape)
    return ((image + noise).clip(0, 1) * brightness).astype(np.float32), disc(FIRST, 20) | disc(SECOND, 20)


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * float((first & second).sum()) / float(first.sum() + second.sum())


@pytest.mark.parametrize("rim", [3.0, 5.0, 9.0])
@pytest.mark.parametrize("brightness", [1.0, 0.5])
def test_bones_are_found_with_their_cortex(rim, brightness):
    image, truth = limb((rim, rim), brightness)
    mask, score = segment(compute_features(image), Prompts())
    assert dice(mask, truth) > 0.93
    assert 0.5 < score <= 1


def test_fat_and_muscle_without_a_rim_are_no_bone():
    image, truth = limb((0.0, 5.0))  # the first is bright but has no cortex: a lipoma
    mask, _ = segment(compute_features(image), Prompts())
    assert not mask[FIRST]
    assert dice(mask, truth & disc(SECOND, 20)) > 0.93


def test_nothing_is_found_in_air_in_noise_and_in_a_flat_image():
    noise = np.abs(np.random.default_rng(1).normal(0, 0.02, (256, 256))).astype(np.float32)
    for image in (np.zeros((256, 256), np.float32), noise, np.full((256, 256), 0.5, np.float32)):
        mask, score = segment(compute_features(image), Prompts())
        assert not mask.any()
        assert score == 0


def test_candidates_come_best_first_and_the_chosen_do_not_overlap():
    seen = compute_features(limb()[0])
    islands = find_islands(seen, 0.1)
    scores = [island.score for island in islands]
    assert scores == sorted(scores, reverse=True)
    chosen = choose(islands, seen.image.shape)
    assert len(islands) > len(chosen) >= 2
    assert with_cortex(seen, chosen[0]).sum() > 1.3 * chosen[0].mask.sum()


def test_a_point_keeps_the_bone_beneath_it_only():
    image, _ = limb()
    mask, _ = segment(compute_features(image), Prompts(keep=[FIRST]))
    assert dice(mask, disc(FIRST, 20)) > 0.93


def test_a_point_on_what_is_no_island_grows_a_region_there():
    image, _ = limb((0.0, 5.0))
    mask, _ = segment(compute_features(image), Prompts(keep=[FIRST]))
    assert dice(mask, disc(FIRST, 20)) > 0.9


def test_a_negative_point_removes_the_bone_beneath_it():
    image, _ = limb()
    mask, _ = segment(compute_features(image), Prompts(drop=[SECOND]))
    assert dice(mask, disc(FIRST, 20)) > 0.93
    both, _ = segment(compute_features(image), Prompts(keep=[FIRST], drop=[(FIRST[0], FIRST[1] + 60)]))
    assert both[FIRST]
    assert not both[FIRST[0], FIRST[1] + 60]


def test_a_box_means_the_bone_that_fills_it():
    image, _ = limb()
    mask, _ = segment(compute_features(image), Prompts(boxes=[((128, 148), (172, 192))]))
    assert dice(mask, disc(SECOND, 20)) > 0.93
    empty, score = segment(compute_features(image), Prompts(boxes=[((180, 60), (190, 70))]))
    assert not empty.any()
    assert score == 0


def test_a_mask_means_the_bone_most_like_it():
    image, _ = limb()
    mask, _ = segment(compute_features(image), Prompts(mask=disc((SECOND[0] + 3, SECOND[1] - 2), 16)))
    assert dice(mask, disc(SECOND, 20)) > 0.93
    assert not segment(compute_features(image), Prompts(mask=disc((200, 100), 8)))[0].any()
