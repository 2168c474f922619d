"""Plan the inputs of a run and the files written for each; inputs and finished results are never overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anybone.core.errors import NothingFoundError, UsageError

RESULT_ENDING = "_bones"
PROBABILITY_ENDING = "_probability"  # after the result's own
SUFFIX = ".nii.gz"


def write_suffixes() -> tuple[str, ...]:
    """Return the suffixes that a segmentation can be written with."""
    from anybone.saving import suffixes

    return suffixes()


def is_writable(path: Path) -> bool:
    """Return True if a segmentation can be written to a file of that name."""
    from anybone.io.formats import suffix_of

    return suffix_of(path, write_suffixes()) is not None


def is_image(path: Path) -> bool:
    """Return True if the suffix is that of an image format."""
    from anybone.io.formats import suffix_of
    from anybone.saving import image_suffixes

    return suffix_of(path, image_suffixes()) is not None


def read_suffix(path: Path) -> str | None:
    """Return the suffix that identifies the file's format, or None."""
    from anybone.io.formats import FORMATS, suffix_of

    return suffix_of(path, (*(s for kind in FORMATS.values() for s in kind.suffixes), ".zip"))


@dataclass(frozen=True)
class Case:
    """One input and its output files."""

    input: Path
    output: Path

    @property
    def preview(self) -> Path:
        """Path of the preview picture."""
        return self.output.with_name(self._stem + ".png")

    @property
    def statistics(self) -> Path:
        """Path of the statistics as JSON; the CSV file has the same name."""
        return self.output.with_name(self._stem + "_statistics.json")

    @property
    def label_table(self) -> Path | None:
        """Path of the label names; None if the mask file itself holds them."""
        return self.output.with_name(self._stem + ".json") if is_image(self.output) else None

    @property
    def probability(self) -> Path:
        """Path of the bone probability, in the format of the mask if that is an image format."""
        suffix = self._suffix.lower().replace(".seg.nrrd", ".nrrd")  # it holds no segments
        suffix = suffix if is_image(self.output) else SUFFIX
        return self.output.with_name(self._stem + PROBABILITY_ENDING + suffix)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that may be written for the input."""
        table = self.statistics
        labels = () if self.label_table is None else (self.label_table,)
        return self.output, *labels, self.preview, self.probability, table, table.with_suffix(".csv")

    @property
    def _suffix(self) -> str:
        return read_suffix(self.output) or self.output.suffix

    @property
    def _stem(self) -> str:
        return self.output.name[: -len(self._suffix)]


def plan_cases(inputs: Sequence[Path], output: Path | None, series: str | None = None) -> list[Case]:
    """Expand folders and return a case for each input.

    Args:
        inputs: Files, DICOM folders, zips, or folders of these.
        output: File for a single input, folder for any number; None: the current folder.
        series: DICOM series that an input of a folder must contain.

    Raises:
        NothingFoundError: A folder holds no image, or none of the series.
        UsageError: `output` is a file and there are several inputs, or it has a suffix that cannot be written.
    """
    found = _distinct([path for given in inputs for path in _expand(given, series)])
    if not found:
        raise UsageError("No input given. Give a file, a DICOM folder or zip, or a folder of these.")
    if output is not None and not output.is_dir():
        writable = is_writable(output)
        if len(found) > 1 and (writable or output.is_file()):
            raise UsageError(f"There are {len(found)} inputs, but {output} is one file. Give a folder: -o RESULTS.")
        if writable:
            return [Case(found[0], output)]
        if len(found) == 1 and output.suffix[1:2].isalpha():  # "results_v0.2" is a folder
            raise UsageError(
                f"{output} has no suffix that can be written. Name a file with one of {', '.join(write_suffixes())}, "
                "or a folder without a dot."
            )
    folder = output or Path()
    return [
        Case(path, folder / (name + RESULT_ENDING + SUFFIX)) for path, name in zip(found, _names(found), strict=True)
    ]


def check_outputs(cases: Sequence[Case], others: Sequence[Path], *, keep_existing: bool) -> None:
    """Raise an error if writing the results would overwrite an input or an existing result.

    Args:
        cases: Cases to write; all their files are checked.
        others: Further inputs, such as mask prompts.
        keep_existing: True refuses existing results.

    Raises:
        UsageError: An output is also an input, or exists already.
    """
    inputs = {path.resolve() for path in (*(c.input for c in cases), *others)}
    for case in cases:
        for path in case.files:
            if path.resolve() in inputs:
                raise UsageError(f"{path} is an input and would be overwritten. Choose another output with -o.")
    existing = [str(c.output) for c in cases if c.output.exists()]
    if existing and keep_existing:
        shown = ", ".join(existing[:3]) + (f" and {len(existing) - 3} more" if len(existing) > 3 else "")
        raise UsageError(
            f"{shown} exist{'s' if len(existing) == 1 else ''} already. Choose another output with -o, skip finished "
            "cases with --resume, or overwrite with --force."
        )


def _expand(path: Path, series: str | None) -> list[Path]:
    if not path.is_dir():
        return [path]  # a missing file is one failing case among the others: reading it says so
    from anybone.io import find_inputs

    endings = (RESULT_ENDING, RESULT_ENDING + PROBABILITY_ENDING)
    found = [p for p in find_inputs(path, series) if not _stem_of(p).endswith(endings)]
    if not found and series is not None:
        raise NothingFoundError(f"{path} contains no series {series!r}. `anybone info {path}` lists the series.")
    if not found:
        raise NothingFoundError(
            f"{path} contains no readable image, except results of earlier runs (*{RESULT_ENDING}). "
            "Give another folder."
        )
    return found


def _distinct(paths: Sequence[Path]) -> list[Path]:
    return list({path.resolve(): path for path in reversed(paths)}.values())[::-1]


def _stem_of(path: Path) -> str:
    if path.is_dir():
        return path.resolve().name or "volume"
    suffix = read_suffix(path) or path.suffix
    return path.name[: -len(suffix)] if suffix else path.name


def _names(paths: Sequence[Path]) -> list[str]:
    """Return a unique name for each path, adding the suffix or parent folders where needed."""
    full = [path.resolve() for path in paths]
    places = [(path.parent, _stem_of(path)) for path in full]
    stems = [
        path.name.replace(".", "_") if places.count(place) > 1 else place[1]
        for path, place in zip(full, places, strict=True)
    ]
    names = stems.copy()
    for depth in range(1, max(len(path.parts) for path in full)):
        alike = [n for n in range(len(names)) if names.count(names[n]) > 1]
        if not alike:
            break
        for n in alike:
            names[n] = "_".join([*full[n].parts[:-1][-depth:], stems[n]])
    return names
