"""Training, validation and test splits, decided by patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from anybone.core.errors import UsageError
from anybone.training.cases import TEST, TRAINING, VALIDATION, Case


def split_cases(cases: Sequence[Case], *, validation: float, test: float = 0.0, seed: int = 0) -> list[Case]:
    """Assign cases to splits: equal fractions of the patients of each region, drawn with the seed.

    A share above zero takes at least one patient of a region that has enough for one in each split. All cases of a
    patient are on one side, whatever their regions.

    Raises:
        UsageError: Nothing is left to train on.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        raise UsageError(f"Shares lie between 0 and 1 and leave some to train on; found {validation} and {test}.")
    regions: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        regions[case.region].add(case.patient)
    rng = np.random.default_rng(seed)
    decided: dict[str, str] = {}
    for region in sorted(regions, key=lambda name: (len(regions[name]), name)):  # the small ones have least choice
        patients = sorted(regions[region])
        rng.shuffle(patients)
        wanted = _counts(len(patients), {VALIDATION: validation, TEST: test})
        for split, count in wanted.items():
            free = [p for p in patients if p not in decided]
            already = sum(decided.get(p) == split for p in patients)
            decided.update(dict.fromkeys(free[: max(0, count - already)], split))
        decided.update({p: TRAINING for p in patients if p not in decided})
    return [replace(case, split=decided[case.patient]) for case in cases]


def _counts(patients: int, shares: dict[str, float]) -> dict[str, int]:
    """Return the number of patients of each split."""
    given = {split: share for split, share in shares.items() if share > 0}
    least = 1 if patients > len(given) else 0
    return {split: max(least, min(round(share * patients), patients - 1)) for split, share in given.items()}
