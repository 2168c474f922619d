import { expect, test } from "vitest";
import { toWorld, uprightOf } from "../src/view/geometry";
import { boxOf, halves, planesOf, type Voxels } from "../src/view/volume";
import { autoWindow, presetWindow } from "../src/view/window";

const AFFINE = [
  [0, 0, -4, 40],
  [-0.5, 0, 0, 60],
  [0, -0.5, 0, 80],
  [0, 0, 0, 1],
];

function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  return bits & 0x7fff ? (bits & 0x8000 ? -1 : 1) * 2 ** (exponent - 15) * (1 + fraction / 1024) : 0;
}

test("all stored numbers have a half-precision float within a thousandth", () => {
  const table = halves();
  for (const value of [-32768, -2049, -1, 0, 1, 2, 3, 1000, 2047, 2048, 32767]) {
    expect(Math.abs(half(table[value + 32768]!) - value)).toBeLessThanOrEqual(Math.abs(value) / 2048);
  }
});

test("the box has the corners of the volume", () => {
  const shape: [number, number, number] = [10, 20, 5];
  const view = new DataView(boxOf({ shape, affine: AFFINE }));
  const box = [280, 296, 312].map((row) => [0, 4, 8, 12].map((at) => view.getFloat32(row + at, true)));
  expect(toWorld([-0.5, -0.5, -0.5], box)).toEqual(toWorld([-0.5, -0.5, -0.5], AFFINE));
  expect(toWorld([1.5, 1.5, 1.5], box)).toEqual(toWorld([9.5, 19.5, 4.5], AFFINE));
});

test("planes of the screen's volume hold the voxels of the file", () => {
  const shape: [number, number, number] = [2, 3, 4];
  const voxels: Voxels = {
    shape,
    affine: AFFINE,
    data: Int16Array.from({ length: 24 }, (_, n) => n),
    slope: 1,
    intercept: 0,
  };
  const upright = uprightOf([-3, 1, -2], shape); // x: k backwards, y: i, z: j backwards
  const plane = planesOf(voxels, upright, 0, 1, halves()); // j = 2
  expect([...plane].map(half)).toEqual([3, 2, 1, 0].map((k) => 4 + 6 * k).concat([3, 2, 1, 0].map((k) => 5 + 6 * k)));
});

test("the window leaves out air and the brightest few", () => {
  const data = new Int16Array(10_000).fill(0);
  for (let n = 0; n < 5000; n++) data[n] = 100 + (n % 400);
  data[0] = 4000;
  const { low, high } = autoWindow(data);
  expect(low).toBeLessThan(60);
  expect(high).toBeGreaterThan(450);
  expect(high).toBeLessThan(520);
});

test("presets: the whole range, the halves of the automatic window, and one slice", () => {
  const data = Int16Array.from({ length: 1000 }, (_, n) => (n < 500 ? n % 100 : 1000 + (n % 100)));
  const voxels: Voxels = { shape: [10, 50, 2], affine: AFFINE, data, slope: 1, intercept: 0 };
  const auto = presetWindow("auto", voxels, 2, 0);
  const middle = Math.round((auto.low + auto.high) / 2);
  expect(presetWindow("full", voxels, 2, 0)).toEqual({ low: 0, high: 1099 });
  expect(presetWindow("dark", voxels, 2, 0)).toEqual({ low: auto.low, high: middle });
  expect(presetWindow("bright", voxels, 2, 0)).toEqual({ low: middle, high: auto.high });
  expect(presetWindow("slice", voxels, 2, 0).high).toBeLessThan(100);
  expect(presetWindow("slice", voxels, 2, 1).high).toBeGreaterThan(1000);
});
