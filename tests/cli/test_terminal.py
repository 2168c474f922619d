from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable

import pytest

from anybone.cli import terminal
from anybone.cli.terminal import Terminal


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PROGRESS_DELAY_S", 0.05)
    monkeypatch.setenv("TERM", "xterm")


def work(shown: Terminal, seconds: float) -> None:
    with shown.progress("knee.nii.gz") as bar:
        bar("encode", 1, 4)
        time.sleep(seconds)
        bar("encode", 2, 4)
        bar("decode", 1, 9)
        time.sleep(0.15)


def appears(report: Callable[[], None], text: str, screen: Screen) -> None:
    """Reports until the text is on the screen, however busy the machine is."""
    end = time.monotonic() + 20
    while text not in screen.getvalue():
        assert time.monotonic() < end, screen.getvalue()
        report()
        time.sleep(0.05)


@pytest.mark.usefixtures("impatient")
def test_long_work_shows_a_bar_on_stderr_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with Terminal().progress("knee.nii.gz") as bar:
        for step in ("encode", "decode"):
            appears(lambda step=step: bar(step, 1, 4), f"knee.nii.gz  {step}", screen)
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("impatient")
def test_no_bar_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    for screen, shown in ((io.StringIO(), Terminal()), (Screen(), Terminal(quiet=True))):
        monkeypatch.setattr(sys, "stderr", screen)
        work(shown, 0.2)
        assert screen.getvalue() == ""


def test_no_bar_for_short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    work(Terminal(), 0.0)
    assert screen.getvalue() == ""


def test_words_go_where_they_belong(capsys: pytest.CaptureFixture[str]) -> None:
    for shown in (Terminal(), Terminal(quiet=True)):
        shown.result("path")
        shown.note("note")
        shown.note("detail", verbose=1)
        shown.warn("careful")
        shown.error("broken")
    out, err = capsys.readouterr()
    assert out == "path\n"
    assert err.splitlines() == ["note", "warning: careful", "error: broken", "error: broken"]
