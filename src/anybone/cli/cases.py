"""Which inputs there are, and where the result of each goes; an input or a finished result is never written over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anybone.core.errors import NothingFoundError, UsageError

RESULT_ENDING = "_bones"
PROBABILITY_ENDING = "_probability"  # after the result's own
SUFFIX = ".nii.gz"


def write_suffixes() -> tuple[str, ...]:
    """The suffixes of files that bones can be written as."""
    from anybone.saving import suffixes

    return suffixes()


def is_writable(path: Path) -> bool:
    """Whether bones can be written to a file of that name."""
    from anybone.io.formats import suffix_of

    return suffix_of(path, write_suffixes()) is not None


def is_image(path: Path) -> bool:
    """Whether a file of that name is an image file, which a mask or a volume can be written as."""
    from anybone.io.formats import suffix_of
    from anybone.saving import image_suffixes

    return suffix_of(path, image_suffixes()) is not None


def read_suffix(path: Path) -> str | None:
    """The suffix by which the file's format is known; None where it has none."""
    from anybone.io.formats import FORMATS, suffix_of

    return suffix_of(path, (*(s for kind in FORMATS.values() for s in kind.suffixes), ".zip"))


@dataclass(frozen=True)
class Case:
    """One input and the files made from it."""

    input: Path
    output: Path

    @property
    def preview(self) -> Path:
        """The picture beside the mask."""
        return self.output.with_name(self._stem + ".png")

    @property
    def statistics(self) -> Path:
        """The table beside the mask; the same name ending in .csv goes with it."""
        return self.output.with_name(self._stem + "_statistics.json")

    @property
    def label_table(self) -> Path | None:
        """The names of the labels, which `anybone.write` puts beside a mask; None where the file itself has them."""
        return self.output.with_name(self._stem + ".json") if is_image(self.output) else None

    @property
    def probability(self) -> Path:
        """The probability of bone beside the mask, in the mask's format where that holds images."""
        suffix = self._suffix.lower().replace(".seg.nrrd", ".nrrd")  # it holds no segments
        suffix = suffix if is_image(self.output) else SUFFIX
        return self.output.with_name(self._stem + PROBABILITY_ENDING + suffix)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that may be made from the input."""
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
    """Every input, folders taken apart, with the mask file that it becomes.

    Args:
        inputs: Files, DICOM folders, zips, or folders of these.
        output: A file for a single input, a folder for any number; None: the current folder.
        series: Of folders, only what holds this DICOM series is an input.

    Raises:
        NothingFoundError: A folder holds no image, or none of the series.
        UsageError: `output` is a file and there are several inputs, or it has a suffix that cannot be written.
    """
    found = _distinct([path for given in inputs for path in _expand(given, series)])
    if not found:
        raise UsageError("There is no input. Give a file, a DICOM folder or zip, or a folder of these.")
    if output is not None and not output.is_dir():
        writable = is_writable(output)
        if len(found) > 1 and (writable or output.is_file()):
            raise UsageError(f"There are {len(found)} inputs, but {output} is one file. Give a folder: -o RESULTS.")
        if writable:
            return [Case(found[0], output)]
        if len(found) == 1 and output.suffix:
            raise UsageError(
                f"{output} has no suffix that can be written. Name a file with one of {', '.join(write_suffixes())}, "
                "or a folder without a dot."
            )
    folder = output or Path()
    return [
        Case(path, folder / (name + RESULT_ENDING + SUFFIX)) for path, name in zip(found, _names(found), strict=True)
    ]


def check_outputs(cases: Sequence[Case], others: Sequence[Path], *, keep_existing: bool) -> None:
    """Nothing, when every result can be written without a loss.

    Args:
        cases: What will be written; all their files are checked.
        others: Further inputs, such as masks of prompts.
        keep_existing: Whether a result that is there stops the run.

    Raises:
        UsageError: A result would take an input's place, or that of an earlier result.
    """
    inputs = {path.resolve() for path in (*(c.input for c in cases), *others)}
    for case in cases:
        for path in case.files:
            if path.resolve() in inputs:
                raise UsageError(f"{path} is an input and would be written over. Choose another output with -o.")
    existing = [str(c.output) for c in cases if c.output.exists()]
    if existing and keep_existing:
        shown = ", ".join(existing[:3]) + (f" and {len(existing) - 3} more" if len(existing) > 3 else "")
        raise UsageError(
            f"{shown} exist{'s' if len(existing) == 1 else ''} already. Choose another output with -o, keep what is "
            "finished with --resume, or write over it with --force."
        )


def _expand(path: Path, series: str | None) -> list[Path]:
    if not path.is_dir():
        return [path]  # a missing file is one failing case among the others: reading it says so
    from anybone.io import find_inputs

    endings = (RESULT_ENDING, RESULT_ENDING + PROBABILITY_ENDING)
    found = [p for p in find_inputs(path, series) if not _stem_of(p).endswith(endings)]
    if not found and series is not None:
        raise NothingFoundError(f"{path} holds no series {series!r}. `anybone info {path}` lists those that there are.")
    if not found:
        raise NothingFoundError(
            f"{path} holds no image that can be read, results of earlier runs (*{RESULT_ENDING}) aside. "
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
    """A name for each path; to those that would be alike, the suffix is added, or as many folders as it takes."""
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
