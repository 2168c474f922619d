from __future__ import annotations

from pathlib import Path

import pytest

from anybone.cli.method import choose_method, print_license_notice
from anybone.cli.terminal import Terminal
from anybone.core.errors import UsageError
from anybone.models import checkpoint


def test_weights_are_chosen_by_path_and_built_once(tiny: Path, home: Path) -> None:
    method = choose_method(str(tiny), None, "cpu")
    assert method.name == "tiny"
    assert method.segmenter is method.segmenter
    assert method.segmenter.weights_sha256 == method.facts["weights"]["sha256"]


def test_a_baseline_has_no_weights() -> None:
    method = choose_method(None, "classical", "auto")
    assert method.facts == {"method": "classical", "weights": None}
    assert method.segmenter.weights_sha256 is None


def test_no_such_device(tiny: Path) -> None:
    with pytest.raises(UsageError, match="abacus"):
        _ = choose_method(str(tiny), None, "abacus").segmenter


@pytest.mark.parametrize(
    ("license", "mentioned"),
    [
        ("Apache-2.0", False),
        ("MIT", False),
        ("CC BY 4.0", False),
        ("CC BY-NC 4.0", True),
        ("CC BY-SA 4.0", True),
        ("not stated", True),
    ],
)
def test_a_license_that_limits_is_mentioned(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], license: str, mentioned: bool
) -> None:
    held = checkpoint.load(tiny)
    path = tmp_path / "x.safetensors"
    checkpoint.save(checkpoint.Checkpoint(held.config, held.weights, license, held.origin, "x"), path)
    print_license_notice(choose_method(str(path), None, "cpu"), Terminal())
    assert (license in capsys.readouterr().err) is mentioned
