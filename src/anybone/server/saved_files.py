"""Save committed bones as files: in the session's folder and optionally in the served folder."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from anybone.core.atomic import whole_file
from anybone.core.errors import UsageError, WriteError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export import EXPORTERS
from anybone.io import write
from anybone.io.names import stem
from anybone.server.http_errors import NotFound
from anybone.server.open_session import OpenSession
from anybone.server.served_folder import inside
from anybone.server.staging import Staging
from anybone.server.uploads import safe_path

FILES = "files"  # subfolder of a session for its saved files
_ENDING = "_bones"


def _mask(volume: Volume, bones: Segmentation, path: Path) -> None:
    write(bones, path)


def _by(exporter: str) -> Callable[[Volume, Segmentation, Path], None]:
    def run(volume: Volume, bones: Segmentation, path: Path) -> None:
        if exporter not in EXPORTERS:
            raise UsageError(f"This installation of anybone cannot write {exporter}.")
        EXPORTERS[exporter](volume, bones, path)

    return run


FORMATS: dict[str, tuple[str, Callable[[Volume, Segmentation, Path], None]]] = {
    "nifti": (".nii.gz", _mask),  # with its JSON beside it
    "nrrd": (".seg.nrrd", _mask),
    "metaimage": (".mha", _mask),
    "dicom-seg": (".dcm", _by("dicom_seg")),
    "stl": (".stl", _by("stl")),
    "glb": (".glb", _by("glb")),
    "statistics": ("_statistics.csv", _by("statistics")),  # and the same as JSON
    "preview": (".png", _by("preview")),
}


def save_bones(
    opened: OpenSession, formats: list[str], folder: Path | None, path: str | None, staging: Staging
) -> dict[str, Any]:
    """Write the committed bones; return the files, one or more per format, and a zip of all (`wire.SavedFiles`).

    Args:
        opened: Session with the bones.
        formats: Keys of `FORMATS`.
        folder: The served folder; None writes into the session's folder only.
        path: Path below `folder`, without suffix, to copy the files to.
        staging: Folder of unfinished files.

    Raises:
        UsageError: The format is unknown, or no bone has been committed.
        WriteError: Another file of that name exists, or the system reports an error.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise UsageError(f"Unknown format {unknown[0]!r}. Choose from {', '.join(FORMATS)}.")
    if not opened.session.bones:
        raise UsageError(
            "No bone has been committed, so there is nothing to save. Commit the current mask as a bone first."
        )
    target = None if path is None else _target(folder, path)
    bones, volume = opened.session.segmentation(), opened.session.volume
    own = opened.folder / FILES
    name = f"{stem(Path(opened.record.path if opened.record.path != '.' else opened.record.name)) or 'image'}{_ENDING}"
    name = safe_path((target.name if target else name).replace("/", "_")).name
    own.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in dict.fromkeys(formats):
        suffix, export = FORMATS[kind]
        with staging.folder() as fresh:
            export(volume, bones, fresh / f"{name}{suffix}")
            for file in sorted(fresh.iterdir()):
                if target is not None:
                    _copy(file, target.parent / file.name, own / file.name)
                written.append(file.replace(own / file.name))
    return {
        "files": [_row(opened.id, file, None if target is None else path) for file in written],
        "archive": _row(opened.id, _zipped(written, own / f"{name}.zip"), None),
    }


def _zipped(files: list[Path], path: Path) -> Path:
    """Write files into one zip and return its path; files that are compressed already are stored."""
    with whole_file(path, ".zip") as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            packed = file.suffix in (".gz", ".png", ".glb")
            archive.write(file, file.name, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
    return path


def _row(session: str, file: Path, path: str | None) -> dict[str, Any]:
    """Return a file as `wire.SavedFile`."""
    shown = file.name if path is None else (PurePosixPath(path).parent / file.name).as_posix()
    return {"path": shown, "bytes": file.stat().st_size, "download": f"/api/sessions/{session}/files/{file.name}"}


def saved_file(session_folder: Path, name: str) -> Path:
    """Return a file that was saved.

    Raises:
        NotFound: No file of that name was saved.
    """
    return (
        inside(session_folder / FILES, name) if (session_folder / FILES).is_dir() and "/" not in name else _none(name)
    )


def _none(name: str) -> Path:
    raise NotFound(f"No file {name!r} was saved in this session. Save the bones first.")


def _target(folder: Path | None, path: str) -> Path:
    if folder is None:
        raise UsageError("This server has no folder to save to. Leave the path out, and download the files.")
    relative = safe_path(path)
    parent = _folder(folder, relative.parent)
    if not parent.is_dir():
        raise NotFound(f"{relative.parent.as_posix()} is a file. Choose another folder.")
    return parent / relative.name


def _folder(top: Path, relative: Path) -> Path:
    """Return a folder below `top`; create it if it does not exist, but never outside of `top`."""
    found = top.resolve()
    for part in relative.parts:
        if not (found / part).exists() and not (found / part).is_symlink():
            (found / part).mkdir()
        found = inside(top, (found / part).relative_to(top.resolve()).as_posix())
        if not found.is_dir():
            return found
    return found


def _copy(written: Path, target: Path, before: Path) -> None:
    """Copy a file into the served folder; an existing file is replaced only if this session wrote it."""
    if target.exists() and not (before.is_file() and before.read_bytes() == target.read_bytes()):
        raise WriteError(f"{target.name} exists already and is not from this session. Choose another name.")
    with whole_file(target, target.suffix) as part:
        shutil.copyfile(written, part)
