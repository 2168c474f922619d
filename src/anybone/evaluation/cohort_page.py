"""A cohort as one page: a row for each result with its picture, and a list of what to keep and what to redo."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from anybone.evaluation.cohort import Result
from anybone.evaluation.page import note, page
from anybone.evaluation.scores import ALL

if TYPE_CHECKING:
    from PIL import Image

KEEP, REDO = DECISIONS = ("keep", "redo")
COLUMNS = ("case", "decision", "flags")

# Saves the list as CSV: over the file itself where the browser lets a page do that, else as a download.
_SAVE = """
const cell = text => '"' + text.replaceAll('"', '""') + '"';
const list = () => "case,decision,flags\\n" + [...document.querySelectorAll("tr[data-case]")].map(row =>
  [row.dataset.case, row.querySelector("select").value, row.dataset.flags].map(cell).join(",") + "\\n").join("");
const said = document.querySelector("#said");
for (const choice of document.querySelectorAll("select")) choice.addEventListener("change", () => {
  choice.closest("td").dataset.value = choice.value;
  said.textContent = "not yet saved";
});
document.querySelector("#save").addEventListener("click", async () => {
  if (window.showSaveFilePicker) {
    try {
      const file = await showSaveFilePicker({suggestedName: "qc.csv"}), out = await file.createWritable();
      await out.write(list()); await out.close(); said.textContent = "saved";
    } catch (error) { said.textContent = "not saved: " + error.message; }
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([list()], {type: "text/csv"}));
  link.download = "qc.csv"; link.click(); said.textContent = "downloaded: move it over qc.csv";
});
"""
_HEAD = ("picture", "case", "flags", "decision", "confidence", "volume, ml", "pieces", "holes", "on border", "bones")


def cohort_page(
    title: str,
    results: Sequence[Result],
    flags: Mapping[str, Sequence[str]],
    decisions: Mapping[str, str],
    pictures: Mapping[str, Image.Image],
    notes: Iterable[str] = (),
) -> str:
    """Return the page of a cohort; flagged cases come first.

    Args:
        title: Title of the page.
        results: All of them.
        flags: Flags from `cohort.flags`.
        decisions: "keep" or "redo", by name of the case.
        pictures: Pictures by name of the case, as far as they exist.
        notes: Notes to the reader.
    """
    flagged = sum(bool(flags[one.name]) for one in results)
    ordered = sorted(results, key=lambda one: (-len(flags[one.name]), one.confidence or 0, one.name))
    head = f"<thead><tr>{''.join(f'<th>{name}</th>' for name in _HEAD)}</tr></thead>"
    rows = "\n".join(_row(one, flags[one.name], decisions[one.name], pictures.get(one.name)) for one in ordered)
    body = [
        f"<p>{len(results)} results, {flagged} flagged. Click a heading to sort.</p>",
        *(note(text) for text in notes),
        '<p><button id="save">Save the list as qc.csv</button> <span id="said" role="status"></span></p>',
        f'<div class="wide"><table class="sortable">{head}<tbody>\n{rows}\n</tbody></table></div>',
        f"<script>{_SAVE}</script>",
    ]
    return page(title, body)


def _row(one: Result, flags: Sequence[str], decision: str, picture: Image.Image | None) -> str:
    name, bone = escape(one.name), one.bones.get(ALL)
    options = "".join(f"<option{' selected' * (kind == decision)}>{kind}</option>" for kind in DECISIONS)
    facts = (
        ["", "", "", ""]
        if bone is None
        else [f"{bone.volume_ml:.1f}", str(bone.pieces), f"{bone.holes:.1%}", f"{bone.border:.1%}"]
    )
    values = ["", "", "", ""] if bone is None else [bone.volume_ml, bone.pieces, bone.holes, bone.border]
    bones = ", ".join(f"{escape(label)} {facts.volume_ml:.1f} ml" for label, facts in one.bones.items() if label != ALL)
    remarks = "<br>".join(map(escape, flags))
    confidence = "" if one.confidence is None else f"{one.confidence:.2f}"
    return (
        f'<tr data-case="{name}" data-flags="{escape(" ".join(flags))}">'
        f"<td>{_image(picture, one.name)}</td><td>{name}</td>"
        f'<td class="text" data-value="{len(flags)}">{remarks}</td>'
        f'<td data-value="{decision}"><select aria-label="decision on {name}">{options}</select></td>'
        f"<td>{confidence}</td>"
        + "".join(f'<td data-value="{value}">{text}</td>' for value, text in zip(values, facts, strict=True))
        + f'<td class="text">{bones}</td></tr>'
    )


def _image(picture: Image.Image | None, name: str) -> str:
    if picture is None:
        return ""
    data = io.BytesIO()
    picture.save(data, format="JPEG", quality=80)
    text = base64.b64encode(data.getvalue()).decode("ascii")
    return f'<img alt="{escape(name)}" src="data:image/jpeg;base64,{text}" width="{picture.width}">'
