"""Registry of checkpoints: those in the package, and those added to the cache folder. Starts without torch."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from anybone.core.errors import CheckpointError
from anybone.models.checkpoint import SUFFIX, Header, read_header, verify

DEFAULT_NAME = "anybone-2026.12"


def home() -> Path:
    """Return the cache folder: `ANYBONE_HOME`, or `~/.cache/anybone`."""
    chosen = os.environ.get("ANYBONE_HOME")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "anybone"


def path_for(name: str) -> Path:
    """Return the path at which a checkpoint is stored under `name`.

    Raises:
        CheckpointError: The name cannot be a file's.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise CheckpointError(f"Weights need a plain name such as segment-anybone; found {name!r}.")
    return home() / "weights" / (name + SUFFIX)


def locate(name_or_path: str | Path | None = None) -> Path:
    """Return the file of the weights with that name or path; the default weights for None.

    Raises:
        CheckpointError: There are none; the message lists those at hand.
    """
    wanted = str(name_or_path if name_or_path is not None else DEFAULT_NAME)
    for folder in _folders():
        candidate = folder / (wanted + SUFFIX)
        if wanted == Path(wanted).name and candidate.is_file():
            return candidate
    if Path(wanted).is_file():
        return Path(wanted)
    names = ", ".join(p.stem for p in installed()) or "none"
    raise CheckpointError(
        f"There are no weights {wanted!r}. At hand: {names}. Give one of these, a {SUFFIX} file, or add the released "
        "files with `anybone weights add bone_sam.pth --attention atten.pth`."
    )


def installed() -> list[Path]:
    """All checkpoint files at hand, those of the package first."""
    return [path for folder in _folders() if folder.is_dir() for path in sorted(folder.glob("*" + SUFFIX))]


def headers() -> list[Header]:
    """Return the metadata of each installed checkpoint, except damaged ones (`verify` reports their fault)."""
    found = []
    for path in installed():
        try:
            found.append(read_header(path))
        except CheckpointError:
            continue
    return found


def find_base(changes: Header) -> Header:
    """Return the base weights of a file of changes: found by hash, in its folder or installed.

    Raises:
        CheckpointError: They are not at hand, or damaged.
    """
    if changes.base is None:
        raise CheckpointError(f"{changes.path} holds whole weights; they have no base.")
    namesakes = []
    for path in (*sorted(changes.path.parent.glob("*" + SUFFIX)), *installed()):
        try:
            header = read_header(path)
        except CheckpointError:
            continue
        if header.base is None and header.sha256 == changes.base.sha256:
            return verify(path)
        if header.base is None and header.name == changes.base.name:
            namesakes.append(f" {path} has that name, but holds other weights ({header.sha256[:12]}...).")
    raise CheckpointError(
        f"{changes.path} holds changes to the weights {changes.base.name} ({changes.base.sha256[:12]}...) and fits no "
        f"others; these are not at hand.{''.join(namesakes[:1])} Put them beside it, or add them: anybone weights add"
    )


def _folders() -> list[Path]:
    return [Path(str(files("anybone"))) / "weights", home() / "weights"]
