"""Measure corrective clicks on held-out patients: with the network alone, and with clicks enforced.

    python benchmarks/clicks.py ../shared/data [--weights FILE] [--record FILE]

Each round clicks once a slice, in the middle of the largest piece of what is wrong there, beginning with the automatic
answer. Of each round: the share of clicked voxels that are right afterward, and the Dice coefficient of the volume.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from accuracy import IGNORE, Case, cases, dice

import anybone
from anybone.evaluation.clicks import next_clicks
from anybone.inference.options import SegmentOptions
from anybone.inference.segmenter import Segmenter

ROUNDS = 3


@dataclass(frozen=True)
class Round:
    """After one click a slice."""

    obeyed: float
    dice: float


def rounds(segmenter: Segmenter, case: Case, *, enforce: bool) -> list[Round]:
    """Yield the scores of each round of clicks on a case."""
    session = segmenter.session(case.volume, SegmentOptions(enforce_clicks=enforce)).automatic()
    found = []
    for _ in range(ROUNDS):
        points = next_clicks(session, case.truth == 1, case.truth != IGNORE)
        session.add(*points)
        mask = session.mask
        obeyed = [bool(mask[tuple(round(x) for x in p.ijk)]) == p.positive for p in points]
        found.append(Round(mean(obeyed) if obeyed else 1.0, dice(mask, case.truth)))
    return found


def main() -> None:
    """Measures, prints, and keeps the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--record", type=Path)
    a = parser.parse_args()
    network = anybone.load(a.weights)
    figures: dict[str, dict[str, list[Round]]] = {}
    for case in cases(a.data):
        figures[case.name] = {
            name: rounds(network, case, enforce=enforce) for name, enforce in (("alone", False), ("enforced", True))
        }
        for name, after in figures[case.name].items():
            print(case.name, name, " ".join(f"{r.obeyed:.2f}/{r.dice:.3f}" for r in after), flush=True)
    for region in ("spine", "limb"):
        for name in ("alone", "enforced"):
            rows = [f[name] for case, f in figures.items() if case.startswith(region)]
            each = [(mean(r.obeyed for r in after), mean(r.dice for r in after)) for after in zip(*rows, strict=True)]
            print(region, name, " ".join(f"{obeyed:.2f}/{found:.3f}" for obeyed, found in each))
    if a.record:
        plain = {
            case: {name: [{k: round(v, 4) for k, v in asdict(r).items()} for r in after] for name, after in f.items()}
            for case, f in figures.items()
        }
        facts = {"weights": network.name, "sha256": network.weights_sha256, "rounds": plain}
        a.record.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
