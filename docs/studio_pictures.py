"""Make the studio's screenshots of the demo's knee: python docs/studio_pictures.py docs/img/studio (Chromium)."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import anybone
from anybone.server.running import Server, listen, method_of
from anybone.server.settings import Settings
from anybone.synthetic.example_knee import example_scan

SIZE = {"width": 1360, "height": 820}
QUALITY = 84  # of WebP
SWITCHES = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu"]
FEMUR, TIBIA, PATELLA = (120, 80, 13), (134, 184, 13), (59, 68, 17)
PATIENCE_S = 300


def main(folder: Path) -> None:
    """Write click, name, mosaic, bones and help."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        anybone.write(example_scan()[0], Path(scratch) / "knee.nii.gz")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=SWITCHES)
        with _server(Path(scratch)) as address:
            page = browser.new_page(viewport=SIZE)
            page.goto(address)
            _wait(page, "window.studio.state.phase === 'ready'")
            _take(page, folder)
        browser.close()


def _take(page: Any, folder: Path) -> None:
    _point(page, FEMUR)
    _write(page, folder / "click.webp")
    _do(page, "propagate", {})
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Name of the bone").fill("femur")
    page.locator("[role=option]", has_text="left femur").wait_for()
    _write(page, folder / "name.webp")
    page.keyboard.press("Escape")
    _do(page, "commit", {"bone": "femur_left"})
    for place, bone in ((TIBIA, "tibia_left"), (PATELLA, "patella_left")):
        _point(page, place)
        _do(page, "propagate", {})
        _do(page, "commit", {"bone": bone})
    page.evaluate("(ijk) => window.studio.lookAt(ijk)", FEMUR)
    page.evaluate("() => window.studio.state.notices.forEach((one) => window.studio.store.dismiss(one.id))")
    page.keyboard.press("4")
    page.keyboard.press("o")
    _write(page, folder / "mosaic.webp")
    page.keyboard.press("o")
    page.keyboard.press("2")
    page.evaluate("() => window.studio.viewer.turnBy(60, -20)")
    _write(page, folder / "bones.webp")
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keys and mouse").wait_for()
    _write(page, folder / "help.webp")


def _point(page: Any, ijk: tuple[int, int, int]) -> None:
    page.evaluate("(ijk) => window.studio.lookAt(ijk)", ijk)
    _do(page, "add_point", {"ijk": ijk, "positive": True})


def _do(page: Any, verb: str, body: dict[str, Any]) -> None:
    page.evaluate("([verb, body]) => window.studio.act(verb, body)", [verb, body])
    page.wait_for_timeout(200)
    _wait(page, "window.studio.state.busy === 0 && !window.studio.session.job")


def _wait(page: Any, truth: str) -> None:
    """Wait until a JavaScript expression holds; the page's policy forbids Playwright's own way."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(f"() => {truth}"):
        if time.monotonic() > end:
            raise TimeoutError(truth)
        page.wait_for_timeout(100)


def _write(page: Any, path: Path) -> None:
    page.mouse.move(2, 2)
    page.wait_for_timeout(1500)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, quality=QUALITY, method=6)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    listening = listen("127.0.0.1", 0)
    settings = Settings(state=folder / "state", folder=folder, opened="knee.nii.gz")
    server = Server(settings, method_of(None, "cpu"), listening)
    thread = threading.Thread(target=server.go)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/#token={settings.token}"
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
