"""Plots of a report, as SVG text that goes into a page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from anybone.evaluation.interactive import Clicked
from anybone.evaluation.report import Report
from anybone.evaluation.scores import ALL, Score
from anybone.evaluation.statistics import by_patient, summarize
from anybone.evaluation.text import metric_name

if TYPE_CHECKING:
    from anybone.evaluation.results import Results

_BLUE, _GRAY, _RED = "#0072b2", "#555555", "#d55e00"  # Okabe and Ito
_LINES = (_BLUE, _RED, "#009e73", "#cc79a7")
_PALETTE = (*_LINES, "#e69f00", "#56b4e9", "#f0e442", "#999999", "#332288", "#882255")
_ROW_IN, _WIDTH_IN = 0.34, 7.5


def groups(report: Report) -> list[tuple[str, list[Score]]]:
    """Return the groups of a report (all bone, each label, each stratum) with the scores of each."""
    rows = [("all bone" if label == ALL else label, report.of(label)) for label in report.labels]
    return rows + [(f"{fact}: {value or 'not stated'}", scores) for fact, value, scores in report.strata()]


def patients_plot(report: Report, metrics: Sequence[str] = ("dsc", "nsd")) -> str:
    """Plot a dot for each patient, the mean and its 95 % interval, by label and stratum; one panel per metric."""
    rows = groups(report)
    figure, axes = _figure(len(metrics), 0.9 + _ROW_IN * len(rows))
    jitter = np.random.default_rng(0)
    for axis, metric in zip(axes, metrics, strict=True):
        for place, (_, scores) in enumerate(rows):
            values = list(by_patient(scores, metric).values())
            axis.scatter(values, place + jitter.uniform(-0.18, 0.18, len(values)), s=12, color=_GRAY, alpha=0.5, lw=0)
            summary = summarize(scores, metric)
            if summary.mean is not None:
                axis.plot(summary.mean, place, "D", color=_BLUE, ms=6)
            if summary.ci95 is not None:
                axis.plot(summary.ci95, (place, place), color=_BLUE, lw=2)
        axis.set_xlabel(metric_name(metric, report.measures))
        axis.set_yticks(range(len(rows)), [name for name, _ in rows] if axis is axes[0] else [""] * len(rows))
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.grid(axis="x", color="#dddddd")
    return _svg(figure)


def clicks_plot(clicked: Clicked) -> str:
    """Mean Dice over rounds of clicks with its 95 % interval, a line for each user."""
    figure, (axis,) = _figure(1, 3.4)
    rounds = range(clicked.rounds + 1)
    for user, color in zip(clicked.users, _LINES, strict=False):
        after = [clicked.after(user, n) for n in rounds]
        axis.plot(rounds, [one.mean for one in after], marker="o", ms=4, color=color, label=user)
        bounds = [one.ci95 for one in after if one.ci95 is not None]
        if len(bounds) == len(after):
            axis.fill_between(rounds, *zip(*bounds, strict=True), color=color, alpha=0.15, lw=0)
    axis.axhline(clicked.reach, color=_GRAY, ls=":")
    axis.set_xticks(rounds)
    axis.set_xlabel(f"rounds: a click per {clicked.per}")
    axis.set_ylabel("Dice")
    axis.legend(fontsize=8, frameon=False)
    return _svg(figure)


def volumes_plot(report: Report) -> str:
    """Volume found less the true one, against their mean, for all bone of each case (Bland and Altman, 1986)."""
    scores = report.of()
    true = np.array([one.truth_ml for one in scores])
    found = np.array([one.prediction_ml for one in scores])
    difference = found - true
    figure, (axis,) = _figure(1, 3.4)
    axis.scatter((found + true) / 2, difference, s=16, color=_GRAY, alpha=0.6, lw=0)
    mean = float(difference.mean())
    axis.axhline(mean, color=_BLUE, label=f"mean {mean:+.2f} ml")
    if len(scores) > 2:
        spread = 1.96 * float(difference.std(ddof=1))
        for limit in (mean - spread, mean + spread):
            axis.axhline(limit, color=_RED, ls="--", label=f"limit of agreement {limit:+.2f} ml")
    axis.axhline(0, color="black", lw=0.5)
    axis.set_xlabel("mean of both volumes, ml")
    axis.set_ylabel("found less true, ml")
    axis.legend(fontsize=8, frameon=False)
    return _svg(figure)


def bars_plot(results: Results, key: str, *, methods: Sequence[str] | None = None) -> str:
    """Mean Dice with its 95 % interval by the values of a fact, a bar for each method; intervals need 3 patients."""
    names = list(methods or results.methods)
    values = [value for other, value in results.strata() if other == key]
    figure, (axis,) = _figure(1, 0.9 + _ROW_IN / 2 * len(names) * len(values))
    for number, name in enumerate(names):
        for row, value in enumerate(values):
            place = row * (len(names) + 1) + number
            summary = results.summary(name, **{key: value})
            if summary.mean is None:
                continue
            axis.barh(place, summary.mean, color=_PALETTE[number % len(_PALETTE)])
            if summary.ci95 is not None:
                axis.plot(summary.ci95, (place, place), color="black", lw=1.2)
            axis.text(max(summary.mean, *(summary.ci95 or (0,))) + 0.01, place, name, va="center", fontsize=7)
    middle = (len(names) - 1) / 2
    ticks = [row * (len(names) + 1) + middle for row in range(len(values))]
    axis.set_yticks(ticks, [value or "not stated" for value in values])
    axis.set_ylim(len(values) * (len(names) + 1) - 1, -1)
    axis.set_xlim(0, 1.3)  # names stand right of the bars
    axis.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axis.set_xlabel("Dice")
    axis.grid(axis="x", color="#dddddd")
    axis.set_axisbelow(True)
    return _svg(figure)


def rounds_plot(results: Results, **facts: str) -> str:
    """Mean Dice over rounds of clicks with its 95 % interval, a line for each method that hears clicks."""
    figure, (axis,) = _figure(1, 3.4)
    for name, color in zip(results.clicked(), _PALETTE * 9, strict=False):
        after = [results.after(name, n, **facts) for n in results.rounds]
        axis.plot(results.rounds, [one.mean for one in after], marker="o", ms=4, color=color, label=name)
        bounds = [one.ci95 for one in after if one.ci95 is not None]
        if len(bounds) == len(after):
            axis.fill_between(results.rounds, *zip(*bounds, strict=True), color=color, alpha=0.12, lw=0)
    axis.set_xticks(results.rounds)
    axis.set_xlabel("rounds: a click on each slice")
    axis.set_ylabel("Dice")
    axis.legend(fontsize=8, frameon=False)
    return _svg(figure)


def _figure(panels: int, height_in: float) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, list(axes)


def _svg(figure: Any) -> str:
    """Return the figure without the XML header, identical for identical figures."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "anybone", "font.size": 9}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
