"""A report as one page of HTML that holds all it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from anybone.core.atomic import write_whole
from anybone.evaluation.plots import groups, patients_plot, volumes_plot
from anybone.evaluation.report import Report
from anybone.evaluation.scores import ALL
from anybone.evaluation.statistics import FEW, caution, summarize
from anybone.evaluation.text import GAP, empties, format_mean, metric_name
from anybone.version import __version__

_WORST = 10

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.text { text-align: left; white-space: normal; min-width: 14rem; } td img { display: block; }
th { cursor: pointer; color: #333; } th:focus-visible { outline: 2px solid #0072b2; }
.note { background: #fff6e0; border-left: 4px solid #b36b00; padding: .4rem .8rem; margin: .4rem 0; }
svg { max-width: 100%; height: auto; } footer { color: #555; margin-top: 3rem; font-size: .85rem; }
"""

# Sorts a table by the column whose head is clicked, or chosen by keyboard: numbers as numbers, gaps last.
SORT = """
for (const head of document.querySelectorAll("table.sortable th")) {
  head.tabIndex = 0;
  const sort = () => {
    const body = head.closest("table").tBodies[0], column = head.cellIndex;
    const up = head.ariaSort !== "ascending";
    for (const other of head.parentNode.children) other.ariaSort = "none";
    head.ariaSort = up ? "ascending" : "descending";
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return up ? order : -order;
    });
    body.append(...rows);
  };
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
}
"""


def write_page(report: Report, path: Path, title: str = "Evaluation") -> None:
    """Write the report as a page: summary, plots, worst cases, all cases.

    Raises:
        WriteError: The system refuses.
    """
    write_whole(path, page(title, _body(report)))


def page(title: str, body: Iterable[str]) -> str:
    """Return a self-contained page.

    Args:
        title: Not yet escaped.
        body: Pieces of HTML.
    """
    name = escape(title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style></head><body>\n<h1>{name}</h1>\n"
        + "\n".join(body)
        + f"\n<footer>anybone {__version__}</footer>\n<script>{SORT}</script></body></html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[float | int | str | None]], *, sortable: bool = True) -> str:
    """Return a table; numbers are shown with three decimals and sorted by value."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    kind = ' class="sortable"' if sortable else ""
    return f'<div class="wide"><table{kind}><thead><tr>{cells}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def note(text: str) -> str:
    """Return a note to the reader."""
    return f'<p class="note">{escape(text)}</p>'


def _cell(value: float | int | str | None) -> str:
    if value is None:
        return f'<td data-value="">{GAP}</td>'
    if isinstance(value, float):
        return f'<td data-value="{value!r}">{value:.3f}</td>'
    return f"<td>{escape(str(value))}</td>"


def _body(report: Report) -> Iterable[str]:
    metrics, names = report.metrics, [metric_name(metric, report.measures) for metric in report.metrics]
    patients = len({one.patient for one in report.scores})
    yield (
        f"<p>{len(report.of())} cases of {patients} patients. Means are over patients; intervals are 95 %, "
        "bootstrapped over patients.</p>"
    )
    yield from (note(text) for text in (caution(patients), *report.notes, *empties(report)) if text)
    yield "<h2>Summary</h2>"
    yield table(
        ["", "patients", *names],
        (
            [
                name,
                len({one.patient for one in scores}),
                *(format_mean(summarize(scores, metric)) for metric in metrics),
            ]
            for name, scores in groups(report)
        ),
        sortable=False,
    )
    if any(len({one.patient for one in scores}) < FEW for _, scores in groups(report)):
        yield note(f"Intervals of fewer than {FEW} patients are likely too narrow; of fewer than three there is none.")
    yield "<h2>Patients</h2>"
    yield patients_plot(report)
    yield "<h2>Volumes</h2>"
    yield volumes_plot(report)
    scored = [one for one in report.of() if one.values["dsc"] is not None]
    worst = sorted(scored, key=lambda one: one.values["dsc"] or 0)[:_WORST]
    yield f"<h2>The {len(worst)} worst cases</h2>"
    yield table(
        ["case", "patient", *names],
        ([one.name, one.patient, *one.values.values()] for one in worst),
    )
    yield "<h2>All cases</h2>"
    yield table(
        ["case", "bone", "patient", *names, "true, ml", "found, ml", "empty", *report.by],
        (
            [
                one.name,
                "all bone" if one.label == ALL else one.label,
                one.patient,
                *one.values.values(),
                one.truth_ml,
                one.prediction_ml,
                one.empty,
                *(one.facts.get(fact, "") for fact in report.by),
            ]
            for one in report.scores
        ),
    )
