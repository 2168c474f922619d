"""`anybone benchmark`: protocols are read, run, stopped and gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from anybone.cli.protocol import read_protocol
from anybone.core.errors import UsageError
from anybone.evaluation.methods import method
from anybone.training import loop
from small_benchmark import small_cases, small_maps

Run = Callable[..., Result]
PROTOCOLS = sorted((Path(__file__).resolve().parents[2] / "configs" / "protocols").glob("*.toml"))

TINY = """
name = "Tiny"
methods = ["ours", "synthetic alone", "classical"]
[data]
cases = "limbs.csv"
corpus = ["maps"]
[locations]
leg = ["thigh"]
[training]
steps = 2
batch = 2
save_steps = 1
threads = 1
bfloat16 = false
corrections = 1
[training.model]
image_size = 64
embed_dim = 32
decoder_heads = 4
decoder_mlp_dim = 32
[training.model.tiny_vit]
dims = [8, 8, 16, 16]
depths = [1, 1, 1, 1]
heads = [1, 1, 2, 2]
[measure]
clicks = [0, 1]
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    small_cases(folder)
    small_maps(folder / "maps")
    return folder


@pytest.fixture
def protocol(world: Path, tmp_path: Path) -> Path:
    shutil.copytree(world, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path / "tiny.toml"


@pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.stem)
def test_every_protocol_that_ships_can_be_read(path: Path) -> None:
    protocol = read_protocol(path)
    assert protocol.name
    assert protocol.about
    assert all(method(name) for name in protocol.methods)
    assert protocol.minutes > 0


def test_the_protocols_cover_what_there_is_to_ask() -> None:
    kinds = {read_protocol(path).split.kind for path in PROTOCOLS}
    assert kinds == {"standard", "leave one out", "train on", "external"}


def test_a_benchmark_is_stopped_and_goes_on(run: Run, protocol: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, step = [], loop.one_step

    def killed(*args: object) -> object:
        steps.append(1)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "one_step", killed)
    result = run("benchmark", protocol, "-o", "out")
    assert result.exit_code == 130
    assert "1 of 3: ours/standard/0" in result.stderr
    assert "min left" in result.stderr
    result = run("benchmark", protocol, "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert len(steps) == 5  # one of four was cut off, and made again
    assert "3 of 3: classical/standard/0" in result.stderr
    assert "ours and" not in result.stdout.splitlines()[0]
    assert "classical and ours: 2 patients are too few" in result.stdout
    told = json.loads(Path("out/results.json").read_text())
    assert [one["method"] for one in told["figures"]] == ["ours", "synthetic alone", "classical"]
    assert told["figures"][0]["cases"][0]["facts"]["location"] == "leg"
    assert Path("out/cases.csv").is_file()
    assert "<svg" in Path("out/benchmark.html").read_text()


def test_the_command_line_goes_before_the_protocol(run: Run, protocol: Path) -> None:
    words = ("benchmark", protocol, "-o", "out", "--method", "classical", "--cases", "limbs.csv", "--seed", "3")
    assert run(*words).exit_code == 0
    assert json.loads(Path("out/protocol.json").read_text())["cases"] == ["limbs.csv"]
    assert run("benchmark", protocol, "-o", "out", "--minutes", "2").exit_code == 3
    assert run("benchmark", protocol, "-o", "new", "--start", "none.pth").exit_code == 2
    assert run("benchmark", protocol, "-o", protocol).exit_code == 2


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("steps = 2", "stepps = 2", r"\[training\] has stepps"),
        ('cases = "limbs.csv"', 'case = "limbs.csv"', r"\[data\] has case"),
        ("clicks = [0, 1]", "clicks = 1", r"\[measure\]: clicks is like"),
        ('name = "Tiny"', 'nam = "Tiny"', "has nam"),
        ("image_size = 64", "image_size = 63", "multiple of 32"),
        ('cases = "limbs.csv"', "", "needs cases"),
        ("[measure]", '[split]\nkind = "halves"\n[measure]', "split.kind is one of standard"),
    ],
)
def test_what_cannot_be_meant_is_named(protocol: Path, before: str, after: str, told: str) -> None:
    protocol.write_text(TINY.replace(before, after))
    with pytest.raises(Exception, match=told) as raised:
        read_protocol(protocol)
    assert isinstance(raised.value, UsageError) or "multiple" in told
