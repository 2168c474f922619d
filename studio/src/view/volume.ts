// The image's voxels: read from the server's NIfTI, and brought into the order of the screen.
//
// NiiVue makes its textures from an image by passes over all voxels, again at each change of the window. A volume of
// 512 x 512 x 200 takes a graphics card to do so. Here NiiVue is given a box of 2 x 2 x 2 voxels that fills the same
// space, and the voxels themselves go to the graphics card once; the window is then a matter of the shader.

import type { Ijk } from "../api/types";
import type { Upright } from "./geometry";

const HEADER_BYTES = 352;
const INT16 = 4;
const UINT8 = 2;

export interface Voxels {
  shape: Ijk;
  affine: number[][];
  data: Int16Array;
  /** What a stored number means: slope x number + intercept. */
  slope: number;
  intercept: number;
}

/** The voxels of a NIfTI-1 file as the server writes it: little-endian int16, with an sform. */
export function parseNifti(file: ArrayBuffer): Voxels {
  const view = new DataView(file);
  if (file.byteLength < HEADER_BYTES || view.getInt32(0, true) !== 348 || view.getInt16(70, true) !== INT16) {
    throw new Error("The image did not arrive as the server sends it. Load the page again");
  }
  const shape = [42, 44, 46].map((at) => view.getInt16(at, true)) as Ijk;
  const affine = [280, 296, 312].map((row) => [0, 4, 8, 12].map((at) => view.getFloat32(row + at, true)));
  const start = view.getFloat32(108, true);
  const slope = view.getFloat32(112, true) || 1;
  const data = new Int16Array(file, start, shape[0] * shape[1] * shape[2]);
  return { shape, affine: [...affine, [0, 0, 0, 1]], data, slope, intercept: view.getFloat32(116, true) || 0 };
}

/** A NIfTI-1 file of 2 x 2 x 2 voxels that fills the same box. */
export function boxOf({ shape, affine }: Pick<Voxels, "shape" | "affine">): ArrayBuffer {
  const file = new ArrayBuffer(HEADER_BYTES + 8);
  const view = new DataView(file);
  view.setInt32(0, 348, true);
  [3, 2, 2, 2, 1, 1, 1, 1].forEach((n, at) => view.setInt16(40 + 2 * at, n, true));
  view.setInt16(70, UINT8, true);
  view.setInt16(72, 8, true);
  view.setFloat32(108, HEADER_BYTES, true);
  view.setFloat32(112, 1, true);
  view.setInt16(254, 1, true); // sform: as scanned
  const step = shape.map((n) => n / 2);
  [1, ...step.map((n, a) => n * Math.hypot(affine[0]![a]!, affine[1]![a]!, affine[2]![a]!))].forEach((size, at) =>
    view.setFloat32(76 + 4 * at, size, true),
  );
  [0, 1, 2].forEach((r) => {
    const row = affine[r]!;
    step.forEach((n, a) => view.setFloat32(280 + 16 * r + 4 * a, row[a]! * n, true));
    // The middle of the first of two voxels is a quarter of the way along.
    const at = row[3]! + step.reduce((sum, n, a) => sum + row[a]! * (n / 2 - 0.5), 0);
    view.setFloat32(280 + 16 * r + 12, at, true);
  });
  [0x6e, 0x2b, 0x31, 0].forEach((byte, at) => view.setUint8(344 + at, byte));
  for (let n = 0; n < 8; n++) view.setUint8(HEADER_BYTES + n, n * 30);
  return file;
}

/** Where the first voxel of the screen's volume lies in the file, and the steps along x, y, z. */
export function walk(shape: Ijk, upright: Upright): { start: number; steps: [number, number, number] } {
  const strides = [1, shape[0], shape[0] * shape[1]];
  let start = 0;
  const steps = upright.axes.map((axis, x) => {
    const stride = strides[axis]!;
    if (!upright.flipped[x]) return stride;
    start += stride * (upright.dims[x]! - 1);
    return -stride;
  }) as [number, number, number];
  return { start, steps };
}

/** Half-precision floats of all int16 numbers, by number + 32768. */
export function halves(): Uint16Array {
  const table = new Uint16Array(65536);
  for (let n = 1; n < 65536; n++) {
    const value = n - 32768;
    const size = Math.abs(value);
    if (!size) continue;
    let exponent = 31 - Math.clz32(size);
    let fraction = Math.round((size / 2 ** exponent - 1) * 1024);
    if (fraction === 1024) [fraction, exponent] = [0, exponent + 1];
    table[n] = (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
  }
  table[0] = 0x8000 | ((15 + 15) << 10);
  return table;
}

/** The voxels of some planes of the screen's volume as half-precision floats. */
export function planesOf(
  voxels: Voxels,
  upright: Upright,
  from: number,
  count: number,
  table: Uint16Array,
): Uint16Array {
  const { start, steps } = walk(voxels.shape, upright);
  const [nx, ny] = upright.dims;
  const planes = new Uint16Array(nx * ny * count);
  const { data } = voxels;
  for (let z = 0, n = 0; z < count; z++) {
    for (let y = 0; y < ny; y++) {
      let at = start + (from + z) * steps[2] + y * steps[1];
      for (let x = 0; x < nx; x++, n++, at += steps[0]) planes[n] = table[data[at]! + 32768]!;
    }
  }
  return planes;
}
