import { expect, test } from "vitest";
import { fracToIjk, ijkToFrac, letters, nearest, toVoxel, toWorld, uprightOf } from "../src/view/geometry";

// A sagittal scan: i runs to posterior, j to inferior, k to the left.
const AFFINE = [
  [0, 0, -4, 40],
  [-0.5, 0, 0, 60],
  [0, -0.5, 0, 80],
  [0, 0, 0, 1],
];
const SHAPE = [10, 20, 5];
const UPRIGHT = uprightOf([-3, -1, -2], SHAPE);

test("the screen's order is that of the axes, flipped to right, anterior, superior", () => {
  expect(UPRIGHT).toEqual({ axes: [2, 0, 1], flipped: [true, true, true], dims: [5, 10, 20] });
});

test("a voxel's center is a fraction of the screen's volume, and back", () => {
  expect(ijkToFrac([0, 0, 0], UPRIGHT)).toEqual([4.5 / 5, 9.5 / 10, 19.5 / 20]);
  const back = fracToIjk(ijkToFrac([3, 7, 2], UPRIGHT), UPRIGHT);
  back.forEach((value, a) => expect(value).toBeCloseTo([3, 7, 2][a]!));
});

test("voxels and millimeters by an oblique affine, and back", () => {
  const oblique = [
    [0.6, 0.1, -0.2, 5],
    [-0.1, 0.7, 0.3, -9],
    [0.2, -0.3, 2.9, 100],
    [0, 0, 0, 1],
  ];
  const mm = toWorld([3, 7, 2], oblique);
  expect(mm[0]).toBeCloseTo(0.6 * 3 + 0.1 * 7 - 0.2 * 2 + 5);
  toVoxel(mm, oblique).forEach((value, a) => expect(value).toBeCloseTo([3, 7, 2][a]!));
  expect(toWorld([0, 0, 1], AFFINE)).toEqual([36, 60, 80]);
});

test("what lies outside becomes the nearest voxel", () => {
  expect(nearest([-3, 7.6, 99], SHAPE)).toEqual([0, 8, 4]);
});

test("directions have the letters of the patient's sides", () => {
  expect(letters([1, 0, 0])).toBe("R");
  expect(letters([0, -0.9, 0.2])).toBe("P");
  expect(letters([0.1, 0.6, -0.8])).toBe("IA");
});
