import { expect, test } from "vitest";
import { uprightOf, voxelToVoxel } from "../src/view/geometry";
import { boneColor, CURRENT_MASK, EMPTY, FIRST_HEAT, HEAT_STEPS, Layers, palette } from "../src/view/layers";

const SHAPE = [2, 3, 4];
const layersOf = (perm: number[], axis: 0 | 1 | 2 = 2): Layers => new Layers(SHAPE, axis, uprightOf(perm, SHAPE));

test("a slice's voxels land where the screen's volume has them", () => {
  const layers = layersOf([1, 2, 3]);
  const slabs = layers.change("current", [{ slice: 3, runs: [0, 1, 1, 1, 0, 4] }]);
  expect(slabs).toEqual([{ at: [0, 0, 3], size: [2, 3, 1] }]);
  expect(layers.numbers.indexOf(CURRENT_MASK)).toBe(1 + 0 * 2 + 3 * 6);
});

test("in whichever way the source's axes lie", () => {
  const layers = layersOf([-3, 1, -2], 1); // x: k backwards, y: i, z: j backwards; dims 4, 2, 3
  const slabs = layers.change("committed", [{ slice: 0, runs: [0, 5, 7, 1, 0, 2] }]); // i + 2 k = 5: i 1, k 2
  expect(slabs).toEqual([{ at: [0, 0, 2], size: [4, 2, 1] }]);
  expect(layers.numbers[3 - 2 + 1 * 4 + 2 * 8]).toBe(boneColor(7));
  expect(layers.numberAt([1, 0, 2])).toBe(boneColor(7));
  expect(layers.boneAt([1, 0, 2])).toBe(7);
  expect(layers.boneAt([0, 0, 2])).toBe(0);
});

test("the answer lies over bones, heat over both, and each leaves what was below", () => {
  const layers = layersOf([1, 2, 3]);
  layers.change("committed", [{ slice: 0, runs: [2, 6] }]);
  layers.change("current", [{ slice: 0, runs: [1, 1, 0, 5] }]);
  expect(layers.numberAt([0, 0, 0])).toBe(CURRENT_MASK);
  expect(layers.numberAt([1, 0, 0])).toBe(boneColor(2));
  layers.setHeat(0, Uint8Array.of(0, 255, 0, 0, 0, 0));
  expect(layers.numberAt([0, 0, 0])).toBe(EMPTY);
  expect(layers.numberAt([1, 0, 0])).toBe(FIRST_HEAT + HEAT_STEPS - 1);
  layers.setHeat(null);
  layers.change("current", [], true);
  expect(layers.numberAt([0, 0, 0])).toBe(boneColor(2));
  expect(layers.slices("current")).toEqual([]);
});

test("a hidden bone has a color that does not show", () => {
  const table = palette("#ffffff", [{ label: 1, color: "#102030" }], new Set([1]));
  expect([...table.slice(boneColor(1) * 4, boneColor(1) * 4 + 4)]).toEqual([16, 32, 48, 0]);
  expect([...table.slice(CURRENT_MASK * 4, CURRENT_MASK * 4 + 4)]).toEqual([255, 255, 255, 255]);
});

test("a second volume shows the masks where they are in millimeters", () => {
  const layers = layersOf([1, 2, 3]);
  layers.change("current", [{ slice: 3, runs: [0, 1, 1, 1, 0, 4] }]); // voxel 1 0 3
  const other = new Layers([4, 6, 1], 2, uprightOf([1, 2, 3], [4, 6, 1])); // half the spacing, one slice at 3 mm
  const affine = (spacing: number, z: number): number[][] => [
    [spacing, 0, 0, 0],
    [0, spacing, 0, 0],
    [0, 0, 1, z],
    [0, 0, 0, 1],
  ];
  other.copySlice(0, layers, voxelToVoxel(affine(0.5, 3), affine(1, 0)));
  const shown = [0, 1, 2, 3].map((i) => other.numberAt([i, 0, 0]));
  expect(shown).toEqual([EMPTY, CURRENT_MASK, CURRENT_MASK, EMPTY]);
  other.copySlice(0, layers, voxelToVoxel(affine(0.5, 50), affine(1, 0))); // outside of the image
  expect(other.numbers.every((number) => number === EMPTY)).toBe(true);
});
