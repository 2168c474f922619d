from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anybone
from anybone.core.geometry import Geometry
from anybone.core.volume import Volume
from e2e.conftest import Tab
from server.conftest import ON_BONE, ON_OTHER

Tabs = Callable[[], Tab]
OUTSIDE = [32, 16, 2]  # between the bars
ANSWER = "s.mask_slices.length > 0 && !s.job"


def is_gray(color: tuple[int, int, int]) -> bool:
    return max(color) - min(color) < 12


def test_open_click_correct_undo_name_save_reopen(tab: Tabs, address: str, tmp_path: Path) -> None:
    first = tab().open(address, "bars.nii.gz")
    first.page.keyboard.press("PageDown")
    first.until("window.studio.state.crosshair[2] === 4")
    first.page.evaluate("() => window.studio.goTo(2)")
    assert is_gray(first.color(ON_BONE))

    first.click(ON_BONE)
    first.until(ANSWER)
    assert not is_gray(first.color([14, 14, 2]))
    first.click([20, 20, 2], button="right")
    first.until("s.prompts.length === 2 && s.prompts[1].positive === false")
    assert is_gray(first.color([21, 21, 2]))
    first.page.get_by_role("button", name="Undo").click()
    first.until("s.prompts.length === 1 && s.can_redo")
    assert not is_gray(first.color([21, 21, 2]))

    first.page.keyboard.press("f")
    first.until("s.mask_slices.length > 3 && !s.job")
    first.page.get_by_role("button", name="Commit as a bone").click()
    first.page.get_by_role("combobox", name="Name of the bone").fill("right fem")
    first.page.get_by_role("option", name="right femur").click()
    first.page.locator(".bones tbody tr").wait_for()
    row = first.page.locator(".bones tbody tr").inner_text()
    assert "right femur" in row

    first.page.keyboard.press("Control+s")
    first.page.get_by_label("STL surfaces").check()
    with first.page.expect_download() as archive:
        first.page.locator("dialog").get_by_role("button", name="Save").click()
    archive.value.save_as(tmp_path / "saved.zip")
    names = zipfile.ZipFile(tmp_path / "saved.zip").namelist()
    assert {Path(name).suffix for name in names} >= {".gz", ".json", ".stl"}
    with first.page.expect_download() as coming:
        first.page.locator(".files li", has_text=".nii.gz").get_by_role("button").click()
    coming.value.save_as(tmp_path / "saved.nii.gz")
    assert anybone.read(tmp_path / "saved.nii.gz").data[16, 16, 2] > 0
    first.page.keyboard.press("Escape")

    first.page.close()
    again = tab()
    again.page.goto(address)
    again.page.locator(".rows button", has_text="right femur").first.click()
    again.page.locator(".bones tbody tr", has_text="right femur").wait_for()
    again.page.evaluate("() => window.studio.goTo(2)")
    assert not is_gray(again.color([14, 14, 2]))


def test_a_list_that_comes_before_the_page_is_painted_is_shown(tab: Tabs, address: str) -> None:
    tab().open(address, "bars.nii.gz").page.close()
    slow = tab()
    slow.page.add_init_script(
        """const later = window.setTimeout.bind(window);
        window.requestAnimationFrame = (call) => later(call, 1500);
        window.setTimeout = (call, ms, ...rest) => later(call, Math.max(ms ?? 0, 1500), ...rest);"""
    )
    slow.page.goto(address)
    slow.page.get_by_role("heading", name="Resume").wait_for(timeout=20_000)


def test_by_keyboard_alone(tab: Tabs, address: str) -> None:
    one = tab()
    one.page.goto(address)
    one.page.locator(".files-list button").first.wait_for()
    for _ in range(40):
        if one.page.evaluate("() => document.activeElement.matches('.files-list button')"):
            break
        one.page.keyboard.press("Tab")
    one.page.keyboard.press("Enter")
    new = one.page.get_by_role("button", name="Start new session")
    new.or_(one.page.locator(".app.ready")).first.wait_for()
    if new.count():
        new.focus()
        one.page.keyboard.press("Enter")
    one.page.locator(".app.ready").wait_for()
    one.until("window.studio.state.crosshair[0] === 32")

    for key, times in (("Shift+ArrowRight", 1), ("ArrowRight", 6), ("ArrowDown", 8)):
        for _ in range(times):
            one.page.keyboard.press(key)
    at = one.page.evaluate("() => window.studio.state.crosshair")
    assert [abs(at[0] - 32), abs(at[1] - 32)] == [16, 8]
    one.page.evaluate("(ijk) => window.studio.lookAt(ijk)", ON_OTHER)
    one.page.keyboard.press("Space")
    one.until("s.prompts.length === 1 && s.mask_slices.length === 1")
    one.page.keyboard.press("Shift+Space")
    one.until("s.prompts.length === 2 && s.prompts[1].positive === false")
    one.page.keyboard.press("Control+z")
    one.until("s.prompts.length === 1")
    one.page.keyboard.press("Control+Shift+z")
    one.until("s.prompts.length === 2")
    one.page.keyboard.press("Control+z")
    one.until("s.prompts.length === 1")
    one.page.keyboard.press("Enter")
    one.page.get_by_role("combobox", name="Name of the bone").wait_for()
    one.page.keyboard.type("patel")
    one.page.locator("[role=option]", has_text="left patella").wait_for()
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("Enter")
    one.until("s.bones.length === 1 && s.bones[0].name.includes('patella')")
    one.page.keyboard.press("j")
    one.page.keyboard.press("d")
    one.until("s.bones.length === 0 && s.mask_slices.length === 1")
    one.page.keyboard.press("?")
    one.page.get_by_role("heading", name="Keys and mouse").wait_for()
    one.page.keyboard.press("Escape")
    assert one.page.locator("dialog").count() == 0


def _naming(one: Tab) -> Tab:
    """Where the first bone is about to be named: the dialogue is open, with its list."""
    one.page.keyboard.press("Backspace")
    one.click(ON_OTHER)
    one.until("s.mask_slices.length === 1")
    one.page.keyboard.press("Enter")
    one.page.locator("[role=option]", has_text="left patella").wait_for()
    return one


def test_a_name_taken_before_its_list_came_is_the_one_that_was_typed(tab: Tabs, address: str) -> None:
    one = _naming(tab().open(address, "bars.nii.gz"))
    held: list[Any] = []
    one.page.route("**/bones?*", lambda route: held.append(route))
    one.page.keyboard.type("patel")
    one.page.keyboard.press("ArrowDown")
    one.page.keyboard.press("Enter")
    one.page.wait_for_timeout(200)
    assert one.page.get_by_role("combobox", name="Name of the bone").is_visible(), (
        "taken from the list of something else"
    )
    for route in held:
        route.continue_()
    one.until("s.bones.length === 1 && s.bones[0].name === 'right patella'")


def test_a_list_that_cannot_be_had_is_told_and_asked_for_again(tab: Tabs, address: str) -> None:
    one = _naming(tab().open(address, "bars.nii.gz"))
    one.page.route("**/bones?*", lambda route: route.abort())
    one.page.keyboard.type("p")
    one.page.locator(".notice").first.wait_for()
    one.page.keyboard.press("Enter")
    one.page.wait_for_timeout(200)
    assert one.page.get_by_role("combobox", name="Name of the bone").is_visible()
    one.page.unroute("**/bones?*")
    one.page.keyboard.type("atel")
    one.until("s.bones.length === 0")
    one.page.locator("[role=option][aria-selected=true]", has_text="left patella").wait_for()
    one.page.keyboard.press("Enter")
    one.until("s.bones.length === 1 && s.bones[0].name === 'left patella'")


def test_every_tool_marks_what_it_is_drawn_over(tab: Tabs, address: str) -> None:
    one = tab().open(address, "bars.nii.gz")
    one.page.evaluate("() => window.studio.goTo(2)")
    for key, prompt, line in (
        ("x", "box", ([6, 6, 2], [26, 26, 2])),
        ("s", "scribble", ([10, 16, 2], [22, 16, 2])),
        ("l", "lasso", ([6, 6, 2], [26, 6, 2], [26, 26, 2], [6, 26, 2])),
    ):
        one.page.keyboard.press("Backspace")
        one.until("s.prompts.length === 0 && s.mask_slices.length === 0")
        one.page.keyboard.press(key)
        one.drag(*line)
        one.until(f"s.prompts.length === 1 && s.prompts[0].kind === '{prompt}' && s.mask_slices.length === 1")
        assert not is_gray(one.color([18, 18, 2]))
    one.page.keyboard.press("b")
    assert is_gray(one.color(OUTSIDE))
    one.drag([30, 16, 2], [34, 16, 2])
    one.until("window.studio.state.busy === 0")
    assert not is_gray(one.color(OUTSIDE))
    one.page.keyboard.press("e")
    one.drag([30, 16, 2], [34, 16, 2])
    one.until("window.studio.state.busy === 0")
    assert is_gray(one.color(OUTSIDE))


# Pairs of the panel's sections that overlap, and sections that are taller than the space they have.
OVERLAPS = """() => {
  const sections = [...document.querySelectorAll(".panel > section")];
  const boxes = sections.map((one) => one.getBoundingClientRect());
  const overlapping = boxes.slice(1).filter((box, n) => box.top < boxes[n].bottom - 0.5).length;
  const spilling = sections.filter((one) => getComputedStyle(one).overflowY === "visible")
    .filter((one) => [...one.children].some(
      (child) => child.getBoundingClientRect().bottom > one.getBoundingClientRect().bottom + 0.5)).length;
  return [overlapping, spilling];
}"""


def test_twelve_bones_fit_on_a_small_screen(tab: Tabs, address: str) -> None:
    one = tab().open(address, "bars.nii.gz")
    one.page.set_viewport_size({"width": 1280, "height": 720})
    for n in range(12):
        one.page.evaluate(
            """async (n) => {
              const runs = [0, 64 * (n + 1), 1, 40, 0, 4096 - 64 * (n + 1) - 40];
              await window.studio.act("paint", { slice: n % 5, runs });
              await window.studio.act("commit", { name: `phalanx ${n}` });
            }""",
            n,
        )
    one.until("s.bones.length === 12")
    one.page.locator(".bones tbody tr").nth(11).wait_for()
    assert one.page.evaluate(OVERLAPS) == [0, 0]
    one.page.locator(".bones tbody tr").nth(11).scroll_into_view_if_needed()
    one.page.get_by_role("button", name="phalanx 11", exact=True).click()
    one.until("window.studio.state.selected.size === 1")


def test_another_token_is_asked_for_and_the_session_goes_on(tab: Tabs, address: str) -> None:
    one = tab().open(address, "bars.nii.gz")
    name = one.page.evaluate("() => window.studio.session.id")
    one.page.evaluate("() => { const s = window.studio; s.api.useToken('old'); s.sync.follow(s.session.id); }")
    one.page.get_by_role("heading", name="The server does not accept this page's token").wait_for()
    one.page.get_by_label("Address or token").fill(address)
    one.page.get_by_role("button", name="Connect").click()
    one.page.locator(".link.ok").wait_for()
    one.until(f"s.id === '{name}' && window.studio.state.connection === 'connected'")
    one.faults.clear()  # the browser logs the refusals


def test_two_tabs_see_the_same(tab: Tabs, address: str) -> None:
    one = tab().open(address, "bars.nii.gz")
    name = one.page.evaluate("() => window.studio.session.id")
    two = tab()
    two.page.goto(address.replace("#", f"#session={name}&"))
    two.page.locator(".app.ready").wait_for()
    one.until("window.studio.state.connection === 'connected'")
    two.until("window.studio.state.connection === 'connected'")
    for each in (one, two):
        each.page.evaluate("() => window.studio.goTo(2)")
    two.page.wait_for_timeout(300)  # until its stream of events stands
    one.click(ON_BONE)
    one.until(ANSWER)
    two.until(ANSWER)
    assert not is_gray(two.color([14, 14, 2]))
    two.page.keyboard.press("Control+z")
    one.until("s.mask_slices.length === 0")
    assert is_gray(one.color([14, 14, 2]))


SAGITTAL = np.array([[0, 0, -3.0, 20], [-1, 0, 0, 30], [0, -1, 0, 40], [0, 0, 0, 1.0]])
TILT = np.array([[0.94, -0.34, 0, 5], [0.34, 0.94, 0, -7], [0, 0, 1.0, 9], [0, 0, 0, 1]])


@pytest.mark.parametrize("affine", [SAGITTAL, TILT @ np.diag([1, -1, 3.0, 1])], ids=["sagittal", "oblique"])
def test_what_is_seen_is_where_it_is(tab: Tabs, address: str, served: Path, affine: np.ndarray) -> None:
    data = np.full((40, 30, 8), 10, dtype=np.float32)
    data[28:34, 4:10, 5] = 240  # one corner, one slice
    name = f"corner_{int(affine[0, 2])}.nii.gz"
    anybone.write(Volume(data, Geometry((40, 30, 8), affine)), served / name)
    one = tab().open(address, name)
    one.page.evaluate("() => window.studio.goTo(5)")
    for plane in ("main", "1", "2"):
        one.page.evaluate("() => window.studio.lookAt([31, 7, 5])")
        assert min(one.color([31, 7, 5], plane)) > 150
    for far in ([9, 7, 5], [31, 22, 5]):
        assert max(one.color(far)) < 60
    one.click([31, 7, 5], "1")
    one.until("s.prompts.length === 1")
    assert one.page.evaluate("() => window.studio.session.prompts[0].ijk") == [31, 7, 5]
    expected = affine @ [31, 7, 5, 1]
    shown = one.page.locator("[data-mm]").get_attribute("data-mm")
    assert [float(x) for x in shown.split()] == pytest.approx(expected[:3], abs=0.06)


def test_a_file_from_this_computer(tab: Tabs, address: str, served: Path) -> None:
    one = tab()
    one.page.goto(address)
    one.page.get_by_label("Files", exact=True).set_input_files(served / "bars.nii.gz")
    one.page.locator(".app.ready").wait_for()
    assert one.page.evaluate("() => window.studio.session.shape") == [64, 64, 6]
    before = one.page.evaluate("() => window.studio.session.id")
    one.page.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes)], "dropped.nii.gz"));
          window.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
        }""",
        list((served / "bars.nii.gz").read_bytes()),
    )
    one.until(f"s.id !== '{before}' && window.studio.state.phase === 'ready'")
    assert "dropped" in one.page.evaluate("() => window.studio.session.name")


def test_without_the_token_it_says_where_to_find_it(tab: Tabs, address: str) -> None:
    one = tab()
    one.page.goto(address.split("#")[0])
    one.page.get_by_role("heading", name="The server does not accept this page's token").wait_for()
    one.faults.clear()  # the browser notes the refusal
