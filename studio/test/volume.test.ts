import { expect, test } from "vitest";
import { toWorld, uprightOf } from "../src/geometry";
import { boxOf, halves, planesOf, windowOf, type Voxels } from "../src/view/volume";

const AFFINE = [[0, 0, -4, 40], [-0.5, 0, 0, 60], [0, -0.5, 0, 80], [0, 0, 0, 1]];

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
  const voxels: Voxels = { shape, affine: AFFINE, data: Int16Array.from({ length: 24 }, (_, n) => n), slope: 1, intercept: 0 };
  const upright = uprightOf([-3, 1, -2], shape); // x: k backwards, y: i, z: j backwards
  const plane = planesOf(voxels, upright, 0, 1, halves()); // j = 2
  expect([...plane].map(half)).toEqual([3, 2, 1, 0].map((k) => 4 + 6 * k).concat([3, 2, 1, 0].map((k) => 5 + 6 * k)));
});

test("the window leaves out air and the brightest few", () => {
  const data = new Int16Array(10_000).fill(0);
  for (let n = 0; n < 5000; n++) data[n] = 100 + (n % 400);
  data[0] = 4000;
  const { low, high } = windowOf(data);
  expect(low).toBeLessThan(60);
  expect(high).toBeGreaterThan(450);
  expect(high).toBeLessThan(520);
});
