from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import Result

from anybone.models import checkpoint

Run = Callable[..., Result]


@pytest.fixture
def added(run: Run, tiny: Path, home: Path) -> Path:
    result = run("weights", "add", tiny, "--name", "mine")
    assert result.exit_code == 0, result.stderr
    return home / "weights" / "mine.safetensors"


def test_a_trained_file_is_taken_in_under_its_new_name(added: Path, tiny: Path) -> None:
    header, before = checkpoint.read_header(added), checkpoint.read_header(tiny)
    assert header.name == "mine"
    assert (header.sha256, header.license, header.config) == (before.sha256, before.license, before.config)


def test_released_files_are_converted(run: Run, tiny: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Path] = []

    def convert(bone_sam: Path, attention: Path) -> checkpoint.Checkpoint:
        given.extend([bone_sam, attention])
        return replace(checkpoint.load(tiny), name="segment-anybone")

    monkeypatch.setattr("anybone.models.conversion.convert_published", convert)
    result = run("weights", "add", "bone_sam.pth", "--attention", "atten.pth")
    assert result.exit_code == 0, result.stderr
    assert given == [Path("bone_sam.pth"), Path("atten.pth")]
    assert checkpoint.verify(home / "weights" / "segment-anybone.safetensors").name == "segment-anybone"
    assert "CC BY-NC 4.0" in result.stderr


def test_half_of_the_released_files_is_not_enough(run: Run) -> None:
    result = run("weights", "add", "bone_sam.pth")
    assert result.exit_code == 2
    assert "--attention" in result.stderr


def test_code_in_disguise_is_refused(run: Run, home: Path) -> None:
    torch.save({"model": print}, "bone_sam.pth")
    result = run("weights", "add", "bone_sam.pth", "--attention", "bone_sam.pth")
    assert result.exit_code == 3
    assert not home.exists()


def test_weights_are_replaced_only_when_told(run: Run, tiny: Path, added: Path) -> None:
    again = run("weights", "add", tiny, "--name", "mine")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert run("weights", "add", tiny, "--name", "mine", "--force").exit_code == 0


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", ""])
def test_a_name_cannot_leave_the_folder(run: Run, tiny: Path, name: str) -> None:
    assert run("weights", "add", tiny, "--name", name).exit_code == 3


def test_list(run: Run, added: Path) -> None:
    assert "mine" in run("weights", "list").stdout
    names = [one["name"] for one in json.loads(run("weights", "list", "--json").stdout)]
    assert "mine" in names


def test_list_names_a_damaged_file_and_goes_on(run: Run, added: Path) -> None:
    (added.parent / "broken.safetensors").write_bytes(b"nothing")
    result = run("weights", "list")
    assert result.exit_code == 0
    assert "mine" in result.stdout
    assert "broken.safetensors" in result.stderr


def test_info(run: Run, added: Path) -> None:
    result = run("weights", "info", "mine")
    assert "CC BY-NC 4.0" in result.stdout
    assert json.loads(run("weights", "info", "mine", "--json").stdout)["config"]["image_size"] == 64


def test_verify_finds_one_changed_bit(run: Run, added: Path) -> None:
    assert "whole" in run("weights", "verify", "mine").stdout
    content = bytearray(added.read_bytes())
    content[-1] ^= 1
    added.write_bytes(content)
    result = run("weights", "verify", "mine")
    assert result.exit_code == 3
    assert "damaged" in result.stderr


def test_unknown_weights_are_told_with_those_at_hand(run: Run, added: Path) -> None:
    result = run("weights", "info", "nonesuch")
    assert result.exit_code == 3
    assert "mine" in result.stderr
