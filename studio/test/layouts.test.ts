import { expect, test } from "vitest";
import { LAYOUTS, type LayoutName, mosaicOf, tilesOf } from "../src/view/layouts";

test("tiles of a layout lie side by side", () => {
  for (const name of Object.keys(LAYOUTS) as LayoutName[]) {
    const tiles = tilesOf(name, 0).map((tile) => tile.position);
    for (const [l, t, w, h] of tiles) {
      expect(l + w).toBeLessThanOrEqual(1.0001);
      expect(t + h).toBeLessThanOrEqual(1.0001);
    }
    tiles.forEach(([l, t, w, h], n) =>
      tiles
        .slice(n + 1)
        .forEach(([l2, t2, w2, h2]) => expect(l + w <= l2 || l2 + w2 <= l || t + h <= t2 || t2 + h2 <= t).toBe(true)),
    );
  }
});

test("a mosaic shows slices from end to end, no more than fit", () => {
  expect(mosaicOf(6, 1.5).shown).toEqual([0, 1, 2, 3, 4, 5]);
  const { shown, grid } = mosaicOf(200, 1.5);
  expect(shown.length).toBe(24);
  expect(grid[0] * grid[1]).toBeGreaterThanOrEqual(24);
  expect(shown[0]).toBeLessThan(10);
  expect(shown.at(-1)).toBeGreaterThan(190);
});
