"""Report on interactive segmentation, as one page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anybone.core.atomic import write_whole
from anybone.evaluation.interactive import SHOWN_ROUNDS, Clicked
from anybone.evaluation.page import note, page, table
from anybone.evaluation.plots import clicks_plot
from anybone.evaluation.statistics import caution
from anybone.evaluation.text import GAP, format_mean


def summary_rows(clicked: Clicked) -> list[list[str]]:
    """Return a heading, and a row for each user: Dice after some rounds, area, clicks to reach the wanted Dice."""
    shown = [n for n in SHOWN_ROUNDS if n <= clicked.rounds]
    rows = [["user", *(f"after {n}" if n else "automatic" for n in shown), "area", f"clicks to {clicked.reach:g}"]]
    for user in clicked.users:
        reached, clicks = clicked.reached(user)
        count = f"{reached} of {len(clicked.of(user))} cases" + (f", median {clicks:g}" if clicks is not None else "")
        rows.append(
            [user, *(format_mean(clicked.after(user, n)) for n in shown), format_mean(clicked.area(user)), count or GAP]
        )
    return rows


def write_clicks_page(clicked: Clicked, path: Path) -> None:
    """Write the page.

    Raises:
        WriteError: The system refuses.
    """
    write_whole(path, page(f"Clicks on {clicked.method}", _body(clicked)))


def _body(clicked: Clicked) -> Iterator[str]:
    cases, patients = (len({getattr(one, what) for one in clicked.curves}) for what in ("name", "patient"))
    yield (
        f"<p>{cases} cases of {patients} patients; Dice over patients with its 95 % interval; "
        f"a round is a click per {clicked.per}.</p>"
    )
    few = caution(patients)
    if few:
        yield note(few)
    head, *rows = summary_rows(clicked)
    yield table(head, rows, sortable=False)
    yield "<h2>Rounds</h2>"
    yield clicks_plot(clicked)
    yield "<h2>All cases</h2>"
    yield table(
        ["case", "patient", "user", "clicks", *(f"after {n}" for n in range(clicked.rounds + 1)), "area"],
        (
            [one.name, one.patient, one.user, one.curve.clicks[-1], *one.curve.dsc, one.curve.area]
            for one in clicked.curves
        ),
    )
