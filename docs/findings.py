"""Makes docs/explanation/findings.md and its plots from docs/data/benchmarks/*.json: python docs/findings.py [--check]

Every sentence with a figure follows from those files by the rules here: a contender is called better or worse than the
one that it is compared with where Wilcoxon's signed rank test over the people of that benchmark, after Holm's
correction, has p < 0.05; otherwise no difference was shown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from anybone.cli.protocol import read_protocol
from anybone.evaluation.benchmark_page import scale_words
from anybone.evaluation.contenders import AT
from anybone.evaluation.plots import bars_plot, rounds_plot
from anybone.evaluation.results import Results, read_results
from anybone.evaluation.statistics import Comparison, Summary, compare, summary_of
from anybone.models.config import DETAIL_FACTOR, EMBEDDING_STRIDE

DOCS = Path(__file__).parent
DATA = DOCS / "data" / "benchmarks"
PAGE = DOCS / "explanation" / "findings.md"
PLOTS = DOCS / "img" / "findings"
PROTOCOLS = DOCS.parent / "configs" / "protocols"
DECIDED = 0.05
ORDER = ("networks", "unseen", "t1", "plane", "external", "prompts", "strategies", "data", "fusion")  # then any others
SEEN = "networks"  # where contenders learned from everything
WORST = {  # of synthetic people alone
    "worst-ours.png": "ours @ 0.0003",
    "worst-dynunet-2d.png": "dynunet 2d",
    "worst-default-weights.png": "default weights",
}

INTRODUCTION = """# Findings

<!-- Made by `make findings` from docs/data/benchmarks: do not edit. -->

What `anybone benchmark` found with the [protocols](../how-to/benchmark.md) in `configs/protocols`, at a scale that one
core does in an evening. **This says what is learned in a minute or two at a coarse resolution, not what a network comes
to in the end**: order and distances may be others after a day on a GPU. All of it was measured here, on the same
images, by the same loop.

People are counted once, whatever their slices and seeds. "Synthetic" are people made in code whose label maps were
never trained on, each scanned once; "patients" are held-out lumbar spines on T2 and limbs on T1
([the data](weights.md)). Dice is of the whole volume on its own grid; in brackets is the 95 % interval of the mean, a
bootstrap over people. So few patients say little about others. A claim needs p < 0.05 in a signed rank test over
people, after Holm's correction within its table; where no difference was shown, there may be one.

A name that ends in `@ 0.0003` learned with that rate. Rates were compared on the same people as everything else, so the
best of several looks a little better than it is, for ours as for the others.

What was learned from: 27 spines, 11 limbs, and label maps, two people of each of 20 regions, scanned anew for every
image. For T1 and for one plane the scans were fixed (`benchmarks/cases.py synthetic MAPS OUT --training`: 40 people,
four sequences and three planes in turn), and of them and of the patients those of that kind were taken: the limbs,
which are both T1 and axial, and 10 or 14 synthetic people. The external set is all 32 spines, from another hospital
than the 11 limbs that were learned from beside the label maps. "default weights" are 0.5.

With 51 minutes at 256 pixels, each with a learning rate of its own, ours from LiteMedSAM was ahead of DynUNet
([there](network.md#beside-a-2-d-u-net)).
"""


def results() -> dict[str, Results]:
    """All committed results by name, in the order of the page."""
    found = {path.stem: read_results(path) for path in sorted(DATA.glob("*.json"))}
    return {name: found[name] for name in sorted(found, key=lambda n: (ORDER.index(n) if n in ORDER else 99, n))}


def page(found: dict[str, Results]) -> str:
    """The page."""
    if not found:
        return INTRODUCTION + "\nNothing has been kept yet.\n"
    parts = [INTRODUCTION, *_cells(found), "## In short\n"]
    parts += [f"- {line}" for name in found for line in (*_short(found[name]), *_rates(found[name]))]
    parts += ["", *_not_run(found), ""]
    parts += [*_never_seen(found), ""]
    for name, one in found.items():
        parts += [*_section(name, one), ""]
    parts += [*_worst(), ""]
    return "\n".join(parts).rstrip() + "\n"


def _worst() -> Iterator[str]:
    """The synthetic person on whom a contender did worst."""
    yield "## Worst cases\n"
    for file, name in WORST.items():
        yield f"![A slice with outlines](../img/findings/{file})\n"
        yield (
            f"*Of the synthetic people, the one on whom {name} had the least Dice: the slice where answer (orange, if "
            "there is any) and truth (green) differ most. Made in code.*\n"
        )


def _cells(found: dict[str, Results]) -> Iterator[str]:
    """What the sizes of input frames leave of ours."""
    for size in sorted({one.scale["size_px"] for one in found.values()}):
        cells, pixels = size // EMBEDDING_STRIDE, size // EMBEDDING_STRIDE * DETAIL_FACTOR
        yield (
            f"At {size} pixels our embedding has {cells} x {cells} cells and our masks {pixels} x {pixels}; standard "
            f"networks answer in {size} x {size}.\n"
        )


def _not_run(found: dict[str, Results]) -> Iterator[str]:
    """What the protocols that ship ask, and nobody has answered here."""
    known = {one.name: one.contenders for one in found.values()}
    lines = []
    for path in sorted(PROTOCOLS.glob("*.toml")):
        protocol = read_protocol(path)
        left = [name for name in protocol.contenders if name not in known.get(protocol.name, ())]
        if left:
            what = "all of it" if len(left) == len(protocol.contenders) else ", ".join(left)
            lines.append(f"- `{path.name}`: {what}.")
    if lines:
        yield "Not run, for want of time:\n"
        yield from lines


def _never_seen(found: dict[str, Results]) -> Iterator[str]:
    """What it costs never to have seen a place, sequence, plane or origin: the same people, by who had."""
    if SEEN not in found:
        return
    seen = found[SEEN]
    pairs = {
        (one.name, name): (one.by_patient(name), seen.by_patient(name))
        for one in found.values()
        if one.scale["split"] != seen.scale["split"]
        for name in one.contenders
        if name in seen.contenders
    }
    if not pairs:
        return
    compared = compare({": ".join(key): values for key, values in pairs.items()})
    yield "## What was never seen\n"
    yield (
        "The same contender on the same people, once taught without their kind, once with all kinds. With all kinds it "
        "saw more of everything, or other shares of patients and synthetic people.\n"
    )
    yield "| Dice | n | never seen | seen | difference | p |"
    yield "| --- |" + " --- |" * 5
    for (protocol, name), (without, with_it) in pairs.items():
        both = sorted(set(without) & set(with_it))
        comparison = compared[f"{protocol}: {name}"]
        means = [cell(summary_of({who: values[who] for who in both}, len(both))) for values in (without, with_it)]
        p = "" if comparison.p_holm is None else f"{comparison.p_holm:.2g}"
        yield f"| {protocol}: {name} | {len(both)} | {' | '.join(means)} | {difference(comparison)} | {p} |"


def plots(found: dict[str, Results]) -> dict[str, str]:
    """The plots by file name."""
    made = {f"{name}-location.svg": bars_plot(one, _place(one)) for name, one in found.items() if _place(one)}
    made |= {f"{name}-clicks.svg": rounds_plot(one) for name, one in found.items() if one.clicked()}
    return {name: _alone(svg) for name, svg in made.items()}


def _alone(svg: str) -> str:
    """An SVG that is a file of its own, on white."""
    return svg.replace("<svg ", '<svg style="background:white" ', 1)


def _place(one: Results) -> str:
    """The fact that bars are drawn by: places that were left out, or places."""
    keys = [key for key, _ in one.strata()]
    return next((key for key in ("fold", "location") if key in keys), "")


def _short(one: Results) -> Iterator[str]:
    """What a benchmark comes to, in a sentence or two."""
    first, compared = one.contenders[0], one.compared()
    verdicts: dict[str, list[str]] = {"better": [], "worse": [], "": []}
    for name, comparison in compared.items():
        verdicts[_verdict(comparison)].append(f"{name} ({difference(comparison)})")
    told = []
    if verdicts["better"]:
        told.append(f"better than {first}: {', '.join(verdicts['better'])}")
    if verdicts["worse"]:
        told.append(f"worse: {', '.join(verdicts['worse'])}")
    if verdicts[""]:
        told.append(f"no difference shown: {', '.join(verdicts[''])}")
    people = one.summary(first).patients
    yield f"**{one.name}** ({people} people; Dice less that of {first}): {'; '.join(told)}."


def _rates(one: Results) -> Iterator[str]:
    """What those came to that learned with several rates."""
    tried: dict[str, list[str]] = {}
    for name in one.contenders:
        known, _, rate = name.partition(AT)
        mean = one.summary(name).mean
        if mean is not None:
            tried.setdefault(known, []).append(f"{mean:.3f} with {rate or format(one.scale['learning_rate'], 'g')}")
    told = [f"{name} {', '.join(rates)}" for name, rates in tried.items() if len(rates) > 1]
    if told:
        yield f"**{one.name}**, Dice by learning rate: {'; '.join(told)}."


def _verdict(comparison: Comparison) -> str:
    if comparison.difference is None or comparison.p_holm is None or comparison.p_holm >= DECIDED:
        return ""
    return "better" if comparison.difference > 0 else "worse"


def difference(comparison: Comparison) -> str:
    """A mean difference with its interval."""
    if comparison.difference is None:
        return "not measured"
    bounds = "" if comparison.ci95 is None else f", {comparison.ci95[0]:+.3f} to {comparison.ci95[1]:+.3f}"
    return f"{comparison.difference:+.3f}{bounds}"


def _section(name: str, one: Results) -> Iterator[str]:
    yield f"## {one.name}\n"
    yield f"{one.about} {_sentence(scale_words(one))}\n"
    yield from _table(one)
    yield ""
    yield from (f"- **{name}**: {one.told[name]}{_size(one, name)}." for name in one.contenders if name in one.told)
    if one.scale["seeds"] == 1:
        yield "\nEach learned once: how much another seed would change was not measured.\n"
    key = _place(one)
    if key:
        yield f"![Bars of Dice]({_image(name, 'location')})\n"
        yield (
            f"*Dice by {'the place that was left out' if key == 'fold' else 'place'}, with its 95 % interval; n = "
            + (
                ", ".join(
                    f"{value} {one.summary(one.contenders[0], **{key: value}).patients}"
                    for k, value in one.strata()
                    if k == key
                )
                + ".*\n"
            )
        )
    if one.clicked():
        yield "| Dice | " + " | ".join(f"after {n}" if n else "automatic" for n in one.rounds) + " |"
        yield "| --- |" + " --- |" * len(one.rounds)
        for contender in one.clicked():
            yield f"| {contender} | " + " | ".join(cell(one.after(contender, n)) for n in one.rounds) + " |"
        yield f"\n![Curves of Dice over clicks]({_image(name, 'clicks')})\n"
        yield "*A simulated person clicks the middle of the largest error on each slice, once a round.*\n"


def _size(one: Results, name: str) -> str:
    numbers = one.parameters(name)
    return f"; {numbers / 1e6:.1f} million numbers" if numbers else ""


def _image(name: str, what: str) -> str:
    return f"../img/findings/{name}-{what}.svg"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _table(one: Results) -> Iterator[str]:
    datas = [value for key, value in one.strata() if key == "data"]
    counts = {data: one.summary(one.contenders[0], data=data).patients for data in datas}
    first, compared = one.contenders[0], one.compared()
    people = one.summary(first).patients
    head = [
        f"all, n = {people}",
        *(f"{data}, n = {counts[data]}" for data in datas),
        f"less {first}",
        "p",
        "HD95, mm",
        "steps",
    ]
    yield "| Dice | " + " | ".join(head) + " |"
    yield "| --- |" + " --- |" * len(head)
    for name in one.contenders:
        comparison = compared.get(name)
        p = "" if comparison is None or comparison.p_holm is None else f"{comparison.p_holm:.2g}"
        cells = [
            cell(one.summary(name)),
            *(cell(one.summary(name, data=data)) for data in datas),
            "" if comparison is None else difference(comparison),
            p,
            millimeters(one.summary(name, "hd95_mm"), people),
            f"{one.steps(name):.0f}" if one.steps(name) else "",
        ]
        yield f"| {name} | " + " | ".join(cells) + " |"


def cell(summary: Summary) -> str:
    """A mean with its interval."""
    if summary.mean is None:
        return ""
    return f"{summary.mean:.3f}" + (
        "" if summary.ci95 is None else f" ({summary.ci95[0]:.3f} to {summary.ci95[1]:.3f})"
    )


def millimeters(summary: Summary, people: int) -> str:
    """A mean distance with its interval, and of how many, where some have none since nothing was found."""
    if summary.mean is None:
        return ""
    bounds = "" if summary.ci95 is None else f" ({summary.ci95[0]:.0f} to {summary.ci95[1]:.0f})"
    return f"{summary.mean:.0f}{bounds}" + ("" if summary.patients == people else f", n = {summary.patients}")


def main() -> None:
    """Writes page and plots, or says which is not what the results make."""
    found = results()
    wanted = {PAGE: page(found)} | {PLOTS / name: svg for name, svg in plots(found).items()}
    if "--check" in sys.argv[1:]:
        old = [path.name for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
        if old:
            sys.exit(f"{', '.join(old)} is not what docs/data/benchmarks makes. Run: make findings")
        return
    PLOTS.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    print(f"{PAGE}  {len(found)} benchmarks")


if __name__ == "__main__":
    main()
