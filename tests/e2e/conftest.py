"""Fixtures: the studio's page in Chromium, on a server with a network whose masks are predictable."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import anybone
from anybone.server.app import PAGE
from anybone.server.settings import Settings
from server.conftest import TOKEN, Gated, bars, serving

SWITCHES = [
    *("--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
]
PATIENCE_MS = 60_000  # the machine may be busy with other things


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return headless Chromium, drawing without a graphics card."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if program is None:
        pytest.skip("There is no Chromium: apt-get install chromium")
    if not (PAGE / "index.html").is_file():
        pytest.skip("The studio's page is not built: make page")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images to open."""
    folder = tmp_path_factory.mktemp("e2e") / "served"
    anybone.write(bars(), folder / "bars.nii.gz")
    return folder


@pytest.fixture(scope="session")
def address(served: Path) -> Iterator[str]:
    """Yield the address of a server on that folder, with its token."""
    with serving(Settings(state=served.parent / "state", token=TOKEN, folder=served), Gated()) as client:
        yield f"{client.base_url}/#token={TOKEN}"


class Tab:
    """One tab with the studio; collects errors and requests."""

    def __init__(self, page: Any) -> None:
        self.page, self.faults, self.asked = page, [], []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._hear)
        page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message: Any) -> None:
        if message.type == "error" and "net::ERR_" not in message.text:
            self.faults.append(message.text)

    def open(self, address: str, file: str) -> Tab:
        """Start a new session on a file of the served folder."""
        self.page.goto(address)
        self.page.locator(".files-list button", has_text=file).first.click()
        new = self.page.get_by_role("button", name="Start new session")
        ready = self.page.locator(".app.ready")
        new.or_(ready).first.wait_for()
        if new.count():
            new.click()
        ready.wait_for()
        return self

    def until(self, truth: str) -> None:
        """Wait until a JavaScript expression of `s`, the session, holds."""
        end = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(f"() => {{ const s = window.studio.state.session; return Boolean({truth}); }}"):
            assert time.monotonic() < end, f"{truth} does not hold; {self.faults}; {self.notices()}"
            self.page.wait_for_timeout(40)

    def notices(self) -> list[str]:
        """Return the messages on the page."""
        return [text.strip() for text in self.page.locator(".notice").all_inner_texts()]

    def place(self, ijk: list[float], plane: str = "main") -> tuple[float, float]:
        """Return where a voxel is on the screen, on the acquisition plane or on another tile."""
        found = self.page.evaluate(
            """([ijk, plane]) => {
              const v = window.studio.viewer;
              const tiles = v.tiles().filter((t) => t.plane !== null);
              const tile = plane === "main" ? tiles.find((t) => t.plane === v.mainPlane) : tiles[Number(plane)];
              const box = document.querySelector(".lines").getBoundingClientRect();
              const [x, y] = v.place(ijk, tile);
              return [x + box.left, y + box.top];
            }""",
            [ijk, plane],
        )
        return found[0], found[1]

    def click(self, ijk: list[float], plane: str = "main", **how: Any) -> None:
        """Click on a voxel."""
        self.page.mouse.click(*self.place(ijk, plane), **how)

    def drag(self, *line: list[float], **how: Any) -> None:
        """Drag from voxel to voxel."""
        self.page.mouse.move(*self.place(line[0]))
        self.page.mouse.down(**how)
        for ijk in line[1:]:
            self.page.mouse.move(*self.place(ijk), steps=3)
        self.page.mouse.up(**how)

    def color(self, ijk: list[float], plane: str = "main") -> tuple[int, int, int]:
        """Return the color at a voxel, next to the lines of the crosshair."""
        x, y = self.place(ijk, plane)
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        shot = self.page.screenshot(clip={"x": x + 2, "y": y + 2, "width": 1, "height": 1})
        return Image.open(io.BytesIO(shot)).convert("RGB").getpixel((0, 0))


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[[], Tab]]:
    """Yield a function that opens tabs; none may log an error or contact another server."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    tabs: list[Tab] = []

    def opened() -> Tab:
        tabs.append(Tab(context.new_page()))
        return tabs[-1]

    yield opened
    for one in tabs:
        assert one.faults == []
        assert all(url.startswith(("http://127.0.0.1", "blob:", "data:")) for url in one.asked)
    context.close()
