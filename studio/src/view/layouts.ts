// How tiles lie on the screen: shares of the width and height, by the name of the layout.

import { SLICE_TYPE } from "@niivue/niivue";

export type LayoutName = "main" | "planes" | "single" | "mosaic" | "solid";
export type Plane = 0 | 1 | 2; // sagittal, coronal, axial: the axis x, y or z that it is cut along

export interface TileSpec {
  sliceType: SLICE_TYPE;
  position: [number, number, number, number];
  sliceMM?: number;
}

export const LAYOUTS: Record<LayoutName, string> = {
  main: "Acquisition plane, with the others beside it",
  planes: "Three planes and 3-D",
  single: "Acquisition plane alone",
  mosaic: "Mosaic of slices",
  solid: "Bones in 3-D",
};

const TYPES: Record<Plane, SLICE_TYPE> = { 0: SLICE_TYPE.SAGITTAL, 1: SLICE_TYPE.CORONAL, 2: SLICE_TYPE.AXIAL };
const GAP = 0.002;

/** NiiVue's name of a plane. */
export function typeOf(plane: Plane): SLICE_TYPE {
  return TYPES[plane];
}

/** The plane of NiiVue's name; null for 3-D. */
export function planeOf(type: number): Plane | null {
  return type === SLICE_TYPE.AXIAL ? 2 : type === SLICE_TYPE.CORONAL ? 1 : type === SLICE_TYPE.SAGITTAL ? 0 : null;
}

/** The tiles of a layout; `main` is the plane that the scan was acquired in. */
export function tilesOf(name: LayoutName, main: Plane): TileSpec[] {
  const others = ([0, 1, 2] as Plane[]).filter((plane) => plane !== main).reverse();
  const at = (sliceType: SLICE_TYPE, l: number, t: number, w: number, h: number): TileSpec => ({
    sliceType,
    position: [l, t, w, h],
  });
  const half = 0.5 - GAP / 2;
  const far = 0.5 + GAP / 2;
  switch (name) {
    case "single":
      return [at(TYPES[main], 0, 0, 1, 1)];
    case "solid":
      return [at(SLICE_TYPE.RENDER, 0, 0, 1, 1)];
    case "planes":
      return [
        at(TYPES[main], 0, 0, half, half),
        at(TYPES[others[0]!], far, 0, half, half),
        at(TYPES[others[1]!], 0, far, half, half),
        at(SLICE_TYPE.RENDER, far, far, half, half),
      ];
    default:
      return [
        at(TYPES[main], 0, 0, 0.68 - GAP, 1),
        at(TYPES[others[0]!], 0.68, 0, 0.32, half),
        at(TYPES[others[1]!], 0.68, far, 0.32, half),
      ];
  }
}

/** Tiles of slices from first to last, as many as fit, and the slices that they show. */
export function mosaicOf(slices: number, aspect: number, most = 24): { grid: [number, number]; shown: number[] } {
  const n = Math.min(slices, most);
  let best: [number, number] = [n, 1];
  let waste = Infinity;
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const cell = aspect * (rows / columns); // width over height of a cell
    const cost = Math.abs(Math.log(cell)) + (columns * rows - n) / n;
    if (cost < waste) [best, waste] = [[columns, rows], cost];
  }
  const shown = Array.from({ length: n }, (_, i) => Math.round(((i + 0.5) * slices) / n - 0.5));
  return { grid: best, shown };
}
