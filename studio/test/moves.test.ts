import { expect, test } from "vitest";
import type { Ijk } from "../src/api/types";
import { screenStep } from "../src/view/moves";
import type { Tile } from "../src/view/viewer";

const TILE: Tile = { index: 0, x: 0, y: 0, width: 100, height: 100, plane: 2, fixed: null };

// Voxels of 0.8 x 0.7 mm, shown with noise as of float32: i runs to the left, j down.
const screen = {
  crosshair: [10, 20, 3] as Ijk,
  mainPlane: 2,
  subject: { axis: 2 as const },
  tiles: () => [TILE],
  place: (ijk: ArrayLike<number>): [number, number] => [
    -0.8 * ijk[0]! * 3 + 1e-4 * ijk[1]!,
    0.7 * ijk[1]! * 3 + 1e-4 * ijk[0]!,
  ],
};

test("an arrow key moves the crosshair along one axis only", () => {
  expect(screenStep(screen, 1, 0)).toEqual([9, 20, 3]);
  expect(screenStep(screen, -1, 0)).toEqual([11, 20, 3]);
  expect(screenStep(screen, 0, 1)).toEqual([10, 21, 3]);
  expect(screenStep(screen, 0, -10)).toEqual([10, 10, 3]);
});

test("without the acquisition plane on the screen nothing moves", () => {
  expect(screenStep({ ...screen, tiles: () => [{ ...TILE, plane: null }] }, 1, 0)).toEqual([10, 20, 3]);
});
