// Where voxels lie: indices of the source, RAS+ millimeters, and the order that NiiVue holds them in on the screen.

import type { Axis, Ijk } from "../api/types";

export type { Axis } from "../api/types";

export type Vec3 = [number, number, number];

/** How the source's axes lie in NiiVue's order, which is nearest to right, anterior, superior. */
export interface Upright {
  /** Source axis that runs along x, y, z of the screen's volume. */
  axes: [Axis, Axis, Axis];
  /** Whether it runs the other way. */
  flipped: [boolean, boolean, boolean];
  /** Voxels along x, y, z. */
  dims: Vec3;
}

/** The order from NiiVue's `permRAS`: which axis, from 1, negative where flipped. */
export function uprightOf(permRas: readonly number[], shape: readonly number[]): Upright {
  const axes = permRas.slice(0, 3).map((p) => (Math.abs(p) - 1) as Axis) as [Axis, Axis, Axis];
  return {
    axes,
    flipped: permRas.slice(0, 3).map((p) => p < 0) as [boolean, boolean, boolean],
    dims: axes.map((axis) => shape[axis] as number) as Vec3,
  };
}

/** Fractions 0..1 along x, y, z of the screen's volume as voxel indices of the source; not rounded. */
export function fracToIjk(frac: ArrayLike<number>, upright: Upright): Ijk {
  const ijk: Ijk = [0, 0, 0];
  upright.axes.forEach((axis, x) => {
    const n = upright.dims[x] as number;
    const at = (frac[x] as number) * n - 0.5;
    ijk[axis] = upright.flipped[x] ? n - 1 - at : at;
  });
  return ijk;
}

/** Voxel indices of the source as fractions along x, y, z of the screen's volume. */
export function ijkToFrac(ijk: ArrayLike<number>, upright: Upright): Vec3 {
  return upright.axes.map((axis, x) => {
    const n = upright.dims[x] as number;
    const at = ijk[axis] as number;
    return ((upright.flipped[x] ? n - 1 - at : at) + 0.5) / n;
  }) as Vec3;
}

/** Indices of the voxel, inside the volume, that is nearest. */
export function nearest(ijk: ArrayLike<number>, shape: readonly number[]): Ijk {
  return [0, 1, 2].map((a) => Math.min(Math.max(Math.round(ijk[a] as number), 0), (shape[a] as number) - 1)) as Ijk;
}

/** Whether indices, rounded, are of a voxel of the volume. */
export function inside(ijk: ArrayLike<number>, shape: readonly number[]): boolean {
  return [0, 1, 2].every((a) => {
    const at = Math.round(ijk[a] as number);
    return at >= 0 && at < (shape[a] as number);
  });
}

/** RAS+ mm of a voxel's center. */
export function toWorld(ijk: ArrayLike<number>, affine: readonly (readonly number[])[]): Vec3 {
  return [0, 1, 2].map((r) => {
    const row = affine[r] as readonly number[];
    return (
      (row[0] as number) * ijk[0]! + (row[1] as number) * ijk[1]! + (row[2] as number) * ijk[2]! + (row[3] as number)
    );
  }) as Vec3;
}

/** Voxel indices, not rounded, of a place in RAS+ mm. */
export function toVoxel(mm: ArrayLike<number>, affine: readonly (readonly number[])[]): Vec3 {
  const [a, b, c] = affine as [number[], number[], number[]];
  const m = [a[0]!, a[1]!, a[2]!, b[0]!, b[1]!, b[2]!, c[0]!, c[1]!, c[2]!];
  const d = [mm[0]! - a[3]!, mm[1]! - b[3]!, mm[2]! - c[3]!];
  const cof = (p: number, q: number, r: number, s: number): number => m[p]! * m[q]! - m[r]! * m[s]!;
  const det = m[0]! * cof(4, 8, 5, 7) - m[1]! * cof(3, 8, 5, 6) + m[2]! * cof(3, 7, 4, 6);
  const inverse = [
    [cof(4, 8, 5, 7), cof(2, 7, 1, 8), cof(1, 5, 2, 4)],
    [cof(5, 6, 3, 8), cof(0, 8, 2, 6), cof(2, 3, 0, 5)],
    [cof(3, 7, 4, 6), cof(1, 6, 0, 7), cof(0, 4, 1, 3)],
  ];
  return inverse.map((row) => (row[0]! * d[0]! + row[1]! * d[1]! + row[2]! * d[2]!) / det) as Vec3;
}

/** The two axes of a slice, in ascending order. */
export function inPlane(axis: Axis): [Axis, Axis] {
  return axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];
}

/** The letter of the side of the patient that a direction in RAS+ points to, and a second one where it is oblique. */
export function letters(direction: ArrayLike<number>): string {
  const names: [string, string][] = [
    ["R", "L"],
    ["A", "P"],
    ["S", "I"],
  ];
  const length = Math.hypot(direction[0]!, direction[1]!, direction[2]!);
  return [0, 1, 2]
    .filter((a) => Math.abs(direction[a]!) > 0.35 * length)
    .sort((a, b) => Math.abs(direction[b]!) - Math.abs(direction[a]!))
    .slice(0, 2)
    .map((a) => (names[a] as [string, string])[direction[a]! > 0 ? 0 : 1])
    .join("");
}

/** What a plane is called: by the axis of the patient that it is cut along. */
export function planeName(x: number): string {
  return ["sagittal", "coronal", "axial"][x] as string;
}

/** Return the 3 x 4 matrix that maps voxel indices of one volume to those of another. */
export function voxelToVoxel(from: readonly (readonly number[])[], to: readonly (readonly number[])[]): number[][] {
  const image = (ijk: Vec3): Vec3 => toVoxel(toWorld(ijk, from), to);
  const origin = image([0, 0, 0]);
  const columns = [image([1, 0, 0]), image([0, 1, 0]), image([0, 0, 1])];
  return [0, 1, 2].map((r) => [...columns.map((column) => column[r]! - origin[r]!), origin[r]!]);
}
