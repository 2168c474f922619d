// Mask composition: the current mask, committed labels and the heat map as one volume of color numbers.

import { decode } from "../api/runLengths";
import type { SliceRuns } from "../api/types";
import { type Axis, inPlane, type Upright } from "./geometry";

/** Color numbers: empty, the current mask, committed bones (reused in turn), then the heat map from cold to hot. */
export const EMPTY = 0;
export const CURRENT_MASK = 1;
export const FIRST_BONE = 2;
export const FIRST_HEAT = 128;
export const HEAT_STEPS = 127;
const BONES = FIRST_HEAT - FIRST_BONE;

/** Return the color number of a committed label. */
export function boneColor(label: number): number {
  return FIRST_BONE + ((label - 1) % BONES);
}

/** A box of the screen's volume that has to be sent to the graphics card. */
export interface Slab {
  at: [number, number, number];
  size: [number, number, number];
}

export type Layer = "current" | "committed";

/** The layers of one volume: slices are kept as run lengths and drawn into `numbers` when they change. */
export class Layers {
  readonly numbers: Uint8Array;
  private readonly current = new Map<number, number[]>();
  private readonly committed = new Map<number, number[]>();
  private heat: { slice: number; values: Uint8Array } | null = null;
  private readonly strides: [number, number, number];
  private readonly start: number;

  constructor(
    readonly shape: readonly number[],
    readonly axis: Axis,
    readonly upright: Upright,
    numbers?: Uint8Array,
  ) {
    const [nx, ny, nz] = upright.dims;
    this.numbers = numbers ?? new Uint8Array(nx * ny * nz);
    const steps = [1, nx, nx * ny];
    const strides: [number, number, number] = [0, 0, 0];
    let start = 0;
    upright.axes.forEach((source, x) => {
      const step = steps[x] as number;
      strides[source] = upright.flipped[x] ? -step : step;
      if (upright.flipped[x]) start += step * ((upright.dims[x] as number) - 1);
    });
    this.strides = strides;
    this.start = start;
  }

  /** Voxels per slice. */
  get sliceSize(): number {
    const [a, b] = inPlane(this.axis);
    return (this.shape[a] as number) * (this.shape[b] as number);
  }

  /** Return the slices of a layer that are not empty. */
  slices(layer: Layer): number[] {
    return [...this[layer].keys()].sort((a, b) => a - b);
  }

  /** Return the labels of a slice of a layer. */
  labels(layer: Layer, slice: number): Uint16Array {
    return decode(this[layer].get(slice) ?? [], this.sliceSize);
  }

  /** Replace slices of a layer and return the slabs that changed; `complete` empties all other slices. */
  change(layer: Layer, slices: readonly SliceRuns[], complete = false): Slab[] {
    const named = new Set(slices.map((one) => one.slice));
    const gone = complete ? [...this[layer].keys()].filter((slice) => !named.has(slice)) : [];
    for (const slice of gone) this[layer].delete(slice);
    for (const { slice, runs } of slices) {
      if (runs.some((value, i) => i % 2 === 0 && value !== 0)) this[layer].set(slice, runs);
      else this[layer].delete(slice);
    }
    return [...named, ...gone].map((slice) => this.draw(slice));
  }

  /** Show the heat map of a slice, or of none, and return the slabs that changed. */
  setHeat(slice: number | null, values?: Uint8Array): Slab[] {
    const before = this.heat?.slice ?? null;
    this.heat = slice === null || !values ? null : { slice, values };
    return [...new Set([before, slice])].filter((one) => one !== null).map((one) => this.draw(one));
  }

  /** Draw a slice again and return its slab; `current` replaces the current mask while a stroke is drawn. */
  draw(slice: number, current?: ArrayLike<number>): Slab {
    const [a, b] = inPlane(this.axis);
    const [na, nb] = [this.shape[a] as number, this.shape[b] as number];
    const front = current ?? (this.current.has(slice) ? this.labels("current", slice) : null);
    const back = this.committed.has(slice) ? this.labels("committed", slice) : null;
    const heat = this.heat?.slice === slice ? this.heat.values : null;
    const base = this.start + slice * this.strides[this.axis];
    for (let j = 0, n = 0; j < nb; j++) {
      let at = base + j * this.strides[b];
      for (let i = 0; i < na; i++, n++, at += this.strides[a]) {
        let number = EMPTY;
        if (heat && heatColor(heat[n] as number)) number = heatColor(heat[n] as number);
        else if (heat && front) number = EMPTY;
        else if (front?.[n]) number = CURRENT_MASK;
        else if (back?.[n]) number = boneColor(back[n] as number);
        this.numbers[at] = number;
      }
    }
    return this.slab(slice);
  }

  /** Show on a slice what another volume's layers show at the same places; `toOther` maps voxel indices to its own. */
  copySlice(slice: number, other: Layers, toOther: readonly (readonly number[])[]): Slab {
    const [a, b] = inPlane(this.axis);
    const [na, nb] = [this.shape[a] as number, this.shape[b] as number];
    const at = (r: number, i: number, j: number): number => {
      const m = toOther[r] as readonly number[];
      return Math.round(m[a]! * i + m[b]! * j + m[this.axis]! * slice + m[3]!);
    };
    const base = this.start + slice * this.strides[this.axis];
    for (let j = 0; j < nb; j++) {
      for (let i = 0; i < na; i++) {
        const found = other.numberInside(at(0, i, j), at(1, i, j), at(2, i, j));
        this.numbers[base + i * this.strides[a] + j * this.strides[b]] = found;
      }
    }
    return this.slab(slice);
  }

  private numberInside(i: number, j: number, k: number): number {
    const [ni, nj, nk] = this.shape as [number, number, number];
    if (i < 0 || j < 0 || k < 0 || i >= ni || j >= nj || k >= nk) return EMPTY;
    return this.numbers[this.start + i * this.strides[0] + j * this.strides[1] + k * this.strides[2]] as number;
  }

  /** Return the slab of a slice in the screen's volume. */
  slab(slice: number): Slab {
    const x = this.upright.axes.indexOf(this.axis);
    const n = this.upright.dims[x] as number;
    const at: Slab["at"] = [0, 0, 0];
    const size = [...this.upright.dims] as Slab["size"];
    at[x] = this.upright.flipped[x] ? n - 1 - slice : slice;
    size[x] = 1;
    return { at, size };
  }

  /** Return the committed label at a voxel; 0 where there is none. */
  boneAt(ijk: readonly number[]): number {
    const [a, b] = inPlane(this.axis);
    const slice = ijk[this.axis] as number;
    if (!this.committed.has(slice)) return 0;
    return this.labels("committed", slice)[(ijk[a] as number) + (ijk[b] as number) * (this.shape[a] as number)] ?? 0;
  }

  /** Return the color number at a voxel. */
  numberAt(ijk: readonly number[]): number {
    const at = this.start + ijk[0]! * this.strides[0] + ijk[1]! * this.strides[1] + ijk[2]! * this.strides[2];
    return this.numbers[at] ?? EMPTY;
  }
}

/** Return the color number of a probability 0..255; below a twentieth it is empty. */
export function heatColor(value: number): number {
  return value < 13 ? EMPTY : FIRST_HEAT + Math.round((value / 255) * (HEAT_STEPS - 1));
}

/** Return red, green, blue and opacity of each color number, as NiiVue takes them. */
export function palette(
  current: string,
  bones: readonly { label: number; color: string }[],
  hidden: ReadonlySet<number>,
): Uint8ClampedArray<ArrayBuffer> {
  const table = new Uint8ClampedArray(256 * 4);
  const put = (number: number, rgb: readonly number[], alpha: number): void => table.set([...rgb, alpha], number * 4);
  put(CURRENT_MASK, rgbOf(current), 255);
  for (const bone of bones) put(boneColor(bone.label), rgbOf(bone.color), hidden.has(bone.label) ? 0 : 255);
  for (let step = 0; step < HEAT_STEPS; step++) put(FIRST_HEAT + step, heatRgb(step / (HEAT_STEPS - 1)), 255);
  return table;
}

/** Return red, green and blue of "#rrggbb". */
export function rgbOf(color: string): [number, number, number] {
  const value = parseInt(color.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

// Dark violet over red and orange to pale yellow: even steps of lightness, distinguishable with any color vision.
const HEAT: readonly (readonly number[])[] = [
  [42, 15, 80],
  [120, 30, 110],
  [190, 55, 85],
  [237, 105, 40],
  [252, 175, 40],
  [250, 250, 165],
];

/** Return the color of the heat map at a fraction 0..1. */
export function heatRgb(fraction: number): [number, number, number] {
  const at = Math.min(Math.max(fraction, 0), 1) * (HEAT.length - 1);
  const low = Math.min(Math.floor(at), HEAT.length - 2);
  return [0, 1, 2].map((c) => {
    const from = HEAT[low]![c]!;
    return Math.round(from + (HEAT[low + 1]![c]! - from) * (at - low));
  }) as [number, number, number];
}
