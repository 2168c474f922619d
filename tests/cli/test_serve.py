"""`anybone studio` and `anybone serve`, as far as what they refuse; tests/server starts them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

import anybone
from anybone.cli.serve import _token
from anybone.cli.studio import _place
from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from anybone.server import optional_packages

Run = Callable[..., Result]


def test_without_the_extra_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_packages, "find_spec", lambda name: None)
    for command in ("studio", "serve"):
        result = run(command)
        assert result.exit_code == 1
        assert 'pip install "anybone[studio]"' in result.output


def test_other_machines_need_a_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANYBONE_TOKEN", raising=False)
    result = run("serve", "--host", "0.0.0.0")
    assert result.exit_code == 2
    assert "ANYBONE_TOKEN" in result.output


def test_a_token_is_long_and_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANYBONE_TOKEN", raising=False)
    assert _token(None, local=True) is None
    assert _token("s" * 16, local=False) == "s" * 16
    for bad in ("short", "with spaces in it all", "naïve-naïve-naïve-naïve", "line\nline-line-line-line"):
        with pytest.raises(UsageError, match="16 characters") as caught:
            _token(bad, local=True)
        assert bad not in str(caught.value)
    monkeypatch.setenv("ANYBONE_TOKEN", "from-the-environment")
    assert _token(None, local=False) == "from-the-environment"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tls-cert", "none.pem"), "both --tls-cert and --tls-key"),
        (("--tls-cert", "none.pem", "--tls-key", "none.key"), "none.pem is not a file"),
        (("--folder", "nowhere"), "nowhere is not a folder"),
        (("--host", "203.0.113.7", "--token", "x" * 20), "cannot listen at 203.0.113.7"),
    ],
)
def test_what_cannot_be_served_is_refused(run: Run, tiny: Path, words: tuple[str, ...], told: str) -> None:
    result = run("serve", "--weights", tiny, "--port", 0, *words)
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


def test_a_port_that_is_taken_is_told(run: Run, tiny: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("studio", "--no-browser", "--weights", tiny, "--port", taken.getsockname()[1])
    assert result.exit_code == 2
    assert "Choose another --port" in " ".join(result.output.split())


def test_weights_that_are_not_there_are_told_before_anything_is_served(run: Run) -> None:
    result = run("studio", "--no-browser", "--weights", "wings")
    assert result.exit_code == 3
    assert "wings" in result.output


def test_a_file_is_opened_in_its_folder_and_a_folder_is_one_to_choose_from(tmp_path: Path) -> None:
    image = Volume(np.ones((4, 4, 4)), Geometry((4, 4, 4), np.eye(4)))
    anybone.write(image, tmp_path / "knee.nii.gz")
    assert _place(tmp_path / "knee.nii.gz") == (tmp_path.resolve(), "knee.nii.gz")
    assert _place(tmp_path) == (tmp_path, None)
    assert _place(None) == (Path.cwd(), None)
    with pytest.raises(UsageError, match="does not exist"):
        _place(tmp_path / "none.nii")
