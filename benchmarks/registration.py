"""Measure the misregistration of the limbs' references: Dice as stored, and at the best in-plane shift.

    python benchmarks/registration.py SHARED_DATA [--training] [--weights NAME|PATH] [--record FILE.json]

SHARED_DATA holds limb_t1/, whose bone was drawn in CT and registered to MRI. Logits of the validation patients are
shifted by half voxels, up to two, along rows and columns. A bone that lies beside its reference in every slice alike
says that the reference lies beside it; one shift serves the whole volume, so it cannot hide errors of shape.
--training also asks where the references of the training patients lie, in every third slice.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from accuracy import dice, limb
from scipy import ndimage

import anybone
from anybone.training.public_sets import VALIDATION

STEPS_VX = np.arange(-2, 2.1, 0.5)


def main() -> None:
    """Measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--weights")
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    network = anybone.load(a.weights)
    figures = {}
    for number in sorted(json.loads((a.data / "limb_t1" / "trusted_slices.json").read_text())):
        trained = f"limb/{number}" not in VALIDATION
        if trained and not a.training:
            continue
        case = limb(a.data / "limb_t1", number)
        known = np.flatnonzero((case.truth == 1).any((0, 1)))[:: 3 if trained else 1]
        logits, truth = network.logits(case.volume)[..., known], case.truth[..., known]
        shifted = {
            (i, j): dice(ndimage.shift(logits, (i, j, 0), order=1, mode="nearest") > 0, truth)
            for i in STEPS_VX.tolist()
            for j in STEPS_VX.tolist()
        }
        best = max(shifted, key=lambda shift: shifted[shift])
        figures[case.name] = {"dice": round(shifted[0, 0], 4), "best": round(shifted[best], 4), "shift_vx": best}
        print(case.name, figures[case.name], flush=True)
    if a.record:
        facts = {"weights": network.name, "sha256": network.weights_sha256, "limbs": figures}
        a.record.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
