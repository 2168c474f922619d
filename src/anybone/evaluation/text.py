"""Text of reports: names of metrics, means with intervals, notes on empty cases."""

from __future__ import annotations

from anybone.evaluation.report import Report
from anybone.evaluation.scores import Measures
from anybone.evaluation.statistics import Summary

GAP = "-"
METRIC_NAMES = {
    "dsc": "Dice",
    "hd95_mm": "HD95, mm",
    "assd_mm": "ASSD, mm",
    "volume_error": "volume error",
}


def metric_name(metric: str, measures: Measures) -> str:
    """Return the printed name of a metric: "nsd_1mm" -> "NSD at 1 mm"."""
    names = {measures.nsd_key(mm): f"NSD at {mm:g} mm" for mm in measures.tolerances_mm}
    names |= {measures.f1_key(overlap): f"F1 of pieces at {overlap:g}" for overlap in measures.overlaps}
    return (names | METRIC_NAMES).get(metric, metric)


def format_mean(summary: Summary) -> str:
    """Return a mean with its interval as text."""
    if summary.mean is None:
        return GAP
    if summary.ci95 is None:
        return f"{summary.mean:.3f}"
    return f"{summary.mean:.3f} ({summary.ci95[0]:.3f} to {summary.ci95[1]:.3f})"


def empties(report: Report) -> list[str]:
    """Return sentences on the number of empty cases, and how they count."""
    measures, scores = report.measures, report.of()
    both, truth, prediction = (sum(one.empty == kind for one in scores) for kind in ("both", "truth", "prediction"))
    counted = "count as perfect" if measures.both_empty == "perfect" else "are left out"
    distances = "count as the volume's diagonal" if measures.one_empty == "diagonal" else "are left out"
    of = f"of {len(scores)} cases"
    return [
        *([f"Neither truth nor prediction has bone in {both} {of}: they {counted}."] if both else []),
        *([f"Only the prediction has bone in {truth} {of}: Dice 0, distances {distances}."] if truth else []),
        *([f"Only the truth has bone in {prediction} {of}: Dice 0, distances {distances}."] if prediction else []),
    ]
