"""From the click to the mask on the screen: the studio in a browser on this machine, with the weights that ship.

    python benchmarks/studio_page.py [--clicks 8] [--pause 2.0] [--gpu]

The demo's knee is opened; the first click is made at once, each further one on another slice after a pause, and one
more there that corrects it. Times are the browser's own, from the release of the button until the picture with the mask
is drawn. The goals: a second for the first, 0.3 s for each further one. The page draws without a graphics card unless
--gpu is given.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anybone
from anybone.server.app import PAGE
from anybone.server.running import Server, listen, method_of
from anybone.server.settings import Settings
from anybone.synthetic.example_knee import example_scan

FIRST_MS, NEXT_MS = 1000, 300
NO_GPU = ["--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
START, STEP = 6, 1  # slices of the knee with bone
TIMES = "() => performance.getEntriesByName('anybone:click-to-mask').map((e) => e.duration)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=8)
    parser.add_argument("--pause", type=float, default=2.0)
    parser.add_argument("--gpu", action="store_true")
    options = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or not (PAGE / "index.html").is_file():
        sys.exit("No Chromium, or the page is not built (make page): clicks in a browser are not measured.")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        sys.exit("Clicks in a browser are not measured without Playwright: make test installs it.")
    with sync_playwright() as playwright:
        switches = ["--no-sandbox", *([] if options.gpu else NO_GPU)]
        chromium = playwright.chromium.launch(executable_path=browser, args=switches)
        with _server() as address:
            times = _clicks(chromium.new_page(viewport={"width": 1440, "height": 900}), address, options)
        chromium.close()
    first, *others = times
    corrections, fresh = others[0::2], others[1::2]
    print(f"{'click to mask on the screen':38} {'ms':>6} {'of the goal':>12}")
    for name, values, goal in (
        ("first, the volume just opened", [first], FIRST_MS),
        ("correction on the same slice", corrections, NEXT_MS),
        ("first on another slice, after a pause", fresh, NEXT_MS),
    ):
        middle = statistics.median(values)
        print(
            f"{name:38} {middle:6.0f} {middle / goal:8.2f}   ({min(values):.0f} to {max(values):.0f}, n {len(values)})"
        )


def _clicks(page: Any, address: str, options: argparse.Namespace) -> list[float]:
    page.goto(address)
    page.locator(".app.ready").wait_for(timeout=120_000)
    for n in range(options.clicks):
        page.evaluate("(n) => window.studio.goTo(n)", START + STEP * n)
        if n:
            page.wait_for_timeout(options.pause * 1000)
        for ijk in ([110, 90, 0], [128, 180, 0]):
            ijk[2] = START + STEP * n
            before = len(page.evaluate(TIMES))
            page.mouse.click(*_place(page, ijk))
            end = time.monotonic() + 60
            while len(page.evaluate(TIMES)) == before and time.monotonic() < end:
                page.wait_for_timeout(20)
    return list(page.evaluate(TIMES))


def _place(page: Any, ijk: list[int]) -> tuple[float, float]:
    x, y = page.evaluate(
        """(ijk) => {
          const { viewer } = window.studio;
          const box = document.querySelector(".lines").getBoundingClientRect();
          const [x, y] = viewer.place(ijk, viewer.tiles().find((tile) => tile.plane === viewer.mainPlane));
          return [x + box.left, y + box.top];
        }""",
        ijk,
    )
    return x, y


@contextmanager
def _server() -> Iterator[str]:
    """Yield the address of a server on the demo's knee, with its network loaded."""
    with tempfile.TemporaryDirectory() as folder:
        anybone.write(example_scan()[0], Path(folder) / "knee.nii.gz")
        listening = listen("127.0.0.1", 0)
        settings = Settings(state=Path(folder) / "state", folder=Path(folder), opened="knee.nii.gz")
        server = Server(settings, method_of(None, "cpu"), listening)
        thread = threading.Thread(target=server.go)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/#token={settings.token}"
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
