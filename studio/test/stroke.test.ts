import { expect, test } from "vitest";
import { paintLine, thinned } from "../src/input/stroke";

const GRID = { axis: 2 as const, shape: [6, 4, 1], spacing: [1, 2, 5] };

function rows(mask: Uint8Array): string[] {
  return [0, 1, 2, 3].map((j) => [...mask.slice(j * 6, j * 6 + 6)].join(""));
}

test("a brush paints what lies within its radius, in millimeters", () => {
  const mask = new Uint8Array(24);
  paintLine(mask, [2, 1, 0], [2, 1, 0], 2, GRID);
  expect(rows(mask)).toEqual(["001000", "111110", "001000", "000000"]);
});

test("along a line, and one voxel at least", () => {
  const mask = new Uint8Array(24);
  paintLine(mask, [1, 2, 0], [4, 2, 0], 0.1, GRID);
  expect(rows(mask)).toEqual(["000000", "000000", "011110", "000000"]);
});

test("beyond the slice nothing is painted", () => {
  const mask = new Uint8Array(24);
  paintLine(mask, [-1, 0, 0], [0, 0, 0], 1, GRID);
  expect(rows(mask)).toEqual(["110000", "000000", "000000", "000000"]);
});

test("points that lie close are left out", () => {
  expect(
    thinned([
      [0, 0, 0],
      [0.2, 0, 0],
      [1, 0, 0],
      [1.1, 0, 0],
    ]),
  ).toEqual([
    [0, 0, 0],
    [1, 0, 0],
  ]);
});
