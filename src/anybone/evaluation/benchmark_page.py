"""A benchmark as one page: the table, bars by location, click curves, all cases."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from anybone.core.atomic import write_whole
from anybone.evaluation.page import note, page, table
from anybone.evaluation.plots import bars_plot, rounds_plot
from anybone.evaluation.results import Results
from anybone.evaluation.scores import Measures
from anybone.evaluation.statistics import caution
from anybone.evaluation.text import GAP, format_mean, metric_name

_SHOWN = ("dsc", "nsd", "hd95_mm")


def summary_rows(results: Results, **facts: str) -> list[list[str]]:
    """Return a heading, and a row for each method: patients, metrics, difference to the first, size, steps."""
    metrics = [metric for metric in _SHOWN if metric in results.metrics]
    names = [metric_name(metric, Measures()) for metric in metrics]
    rows = [["", "n", *names, f"Dice less {results.methods[0]}", "p after Holm", "numbers", "steps"]]
    compared = results.compared(**facts)
    for name in results.methods:
        one = compared.get(name)
        less = GAP
        if one is not None and one.difference is not None:
            bounds = "" if one.ci95 is None else f" ({one.ci95[0]:+.3f} to {one.ci95[1]:+.3f})"
            less = f"{one.difference:+.3f}{bounds}"
        size = results.parameters(name)
        rows.append(
            [
                name,
                str(results.summary(name, **facts).patients),
                *(format_mean(results.summary(name, metric, **facts)) for metric in metrics),
                less,
                GAP if one is None or one.p_holm is None else f"{one.p_holm:.2g}",
                f"{size / 1e6:.1f} M" if size else GAP,
                f"{results.steps(name):.0f}" if results.steps(name) else GAP,
            ]
        )
    return rows


def write_benchmark_page(results: Results, path: Path) -> None:
    """Write the page.

    Raises:
        WriteError: The system refuses.
    """
    write_whole(path, page(results.name, _body(results)))


def scale_words(results: Results) -> str:
    """Return a sentence on the size of the benchmark."""
    scale = results.scale
    long = f"{scale['minutes']:g} minutes of processor time" if scale["minutes"] else f"{scale['steps']} steps"
    seeds = "one training" if scale["seeds"] == 1 else f"{scale['seeds']} trainings"
    start = f"starting from {scale['start']}" if scale["start"] else "from random weights"
    return (
        f"{long} each, {scale['size_px']} pixels, {scale['batch']} images a step, learning rate "
        f"{scale['learning_rate']:g} where a name gives no other, on "
        f"{scale['threads'] or 'all'} thread{'s' * (scale['threads'] != 1)} of {scale['device']}; {seeds} of each "
        f"method; {start} unless a method says otherwise."
    )


def _body(results: Results) -> Iterator[str]:
    patients = len({case["patient"] for one in results.figures for case in one.cases})
    yield f"<p>{escape(results.about)}</p>"
    scale = escape(scale_words(results))
    yield f"<p>{patients} patients are measured on. {scale} Means are over patients, intervals 95 %.</p>"
    few = caution(patients)
    if few:
        yield note(few)
    head, *rows = summary_rows(results)
    yield table(head, rows, sortable=False)
    kinds = (
        f"<li><b>{escape(name)}</b>: {escape(results.descriptions.get(name, ''))}</li>" for name in results.methods
    )
    yield f"<ul>{''.join(kinds)}</ul>"
    for key in dict.fromkeys(key for key, _ in results.strata()):
        yield f"<h2>By {key}</h2>"
        yield bars_plot(results, key)
        values = [value for other, value in results.strata() if other == key]
        yield table(
            ["", *(f"{value or 'not stated'} (n = {_patients(results, key, value)})" for value in values)],
            [
                [name, *(format_mean(results.summary(name, **{key: value})) for value in values)]
                for name in results.methods
            ],
            sortable=False,
        )
    if results.clicked():
        yield "<h2>Clicks</h2>"
        yield rounds_plot(results)
        yield table(
            ["Dice", *(f"after {n}" if n else "automatic" for n in results.rounds)],
            [[name, *(format_mean(results.after(name, n)) for n in results.rounds)] for name in results.clicked()],
            sortable=False,
        )
    yield "<h2>All cases</h2>"
    yield table(
        ["method", "fold", "seed", "case", *results.metrics],
        (
            [one.job.method, one.job.fold, one.job.seed, case["name"], *case["metrics"].values()]
            for one in results.figures
            for case in one.cases
        ),
    )


def _patients(results: Results, key: str, value: str) -> int:
    return max(results.summary(name, **{key: value}).patients for name in results.methods)
