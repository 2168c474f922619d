from __future__ import annotations

from collections.abc import Callable

from e2e.conftest import Tab

# The contrast of text and ground as WCAG 2.2 defines it, of all text that can be used and is not over the image.
FAINT = """() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const f = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0.9) return c;
    }
    return [0, 0, 0];
  };
  return [...document.querySelectorAll("body *")].filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && e.checkVisibility() &&
      !e.closest(":disabled, .unseen, option, noscript")
  ).map((e) => {
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    return [((a + 0.05) / (b + 0.05)).toFixed(2), e.textContent.trim().slice(0, 30)];
  }).filter(([ratio]) => ratio < 4.5);
}"""

NAMELESS = """() => [...document.querySelectorAll("button, input, select, a, [role=application]")].filter((e) =>
  e.checkVisibility() && !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length || e.title)
).map((e) => e.outerHTML.slice(0, 80))"""


def test_text_can_be_read_and_all_has_a_name(tab: Callable[[], Tab], address: str) -> None:
    one = tab()
    one.page.goto(address)
    one.page.locator(".files-list button").first.wait_for()
    assert one.page.evaluate(FAINT) == []
    assert one.page.evaluate(NAMELESS) == []
    one.open(address, "bars.nii.gz")
    one.page.evaluate("() => window.studio.act('automatic', {slices: [2]})")
    one.until("s.mask_slices.length === 1")
    assert one.page.evaluate(FAINT) == []
    assert one.page.evaluate(NAMELESS) == []
    one.page.evaluate("() => window.studio.setTheme('light')")
    assert one.page.evaluate(FAINT) == []
    one.page.evaluate("() => window.studio.setTheme('dark')")
    for key in ("?", "Control+s", "Enter"):
        one.page.keyboard.press(key)
        one.page.locator("dialog[open]").wait_for()
        assert one.page.evaluate("() => document.querySelector('dialog').contains(document.activeElement)")
        assert one.page.evaluate(FAINT) == []
        assert one.page.evaluate(NAMELESS) == []
        one.page.keyboard.press("Escape")
        one.page.locator("dialog[open]").wait_for(state="detached")
    assert one.page.evaluate("() => document.activeElement.classList.contains('lines')")
