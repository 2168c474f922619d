"""The program as a person starts it: what is loaded, what is printed where, and with which exit code it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import anybone
from anybone.cli.error_handling import handle_errors
from anybone.core.errors import GeometryError

Run = Callable[..., Result]

_LIST = """
import sys
from anybone.cli.main import main
sys.argv = ["anybone", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    print("LOADED", *sorted({name.split(".")[0] for name in sys.modules}))
    sys.exit(end.code)
"""


def loaded_by(*words: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _LIST, *words], capture_output=True, text=True, check=True)
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


def test_help_loads_nothing_heavy() -> None:
    heavy = {"torch", "scipy", "nibabel", "SimpleITK", "pydicom", "PIL"}
    assert not heavy & loaded_by("--help")
    assert not heavy & loaded_by("segment", "--help")


def test_info_and_the_list_of_weights_need_no_torch(limb: Path) -> None:
    assert "torch" not in loaded_by("info", str(limb))
    assert "torch" not in loaded_by("weights", "list")


def test_the_version(run: Run) -> None:
    assert run("--version").stdout.strip() == f"anybone {anybone.__version__}"


@pytest.mark.parametrize("command", ["segment", "convert", "info", "weights", "demo", "train"])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    assert command in run("--help").stdout
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def outcome(error: BaseException, *words: str) -> Result:
    app = typer.Typer()

    @app.command()
    @handle_errors
    def fail(verbose: int = typer.Option(0, "-v", count=True)) -> None:
        raise error

    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (GeometryError("bent grid"), 3, "bent grid"),
        (KeyboardInterrupt(), 130, "Stopped"),
        (PermissionError(13, "Permission denied", "out.nii"), 1, "out.nii: Permission denied"),
        (MemoryError(), 1, "memory"),
        (ZeroDivisionError("by chance"), 1, "bug"),
    ],
)
def test_every_exception_becomes_a_message(error: BaseException, code: int, told: str) -> None:
    result = outcome(error)
    assert result.exit_code == code
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_tracebacks_are_for_those_who_ask() -> None:
    assert "Traceback" not in outcome(ZeroDivisionError(), "-v").stderr
    assert "Traceback" in outcome(ZeroDivisionError(), "-vv").stderr


def test_an_exit_is_no_error() -> None:
    result = outcome(typer.Exit(4))
    assert (result.exit_code, result.stderr) == (4, "")


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "anybone", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"anybone {anybone.__version__}"
