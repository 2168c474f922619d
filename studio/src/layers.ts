// What is drawn over the image: the answer, the bones and the heat map, as one volume of color numbers.

import { inPlane, type Axis, type Upright } from "./geometry";
import { decode } from "./runs";
import type { SliceRuns } from "./types";

/** Color numbers: nothing, the answer, bones by turns, then heat from cold to hot. */
export const NOTHING = 0;
export const ANSWER = 1;
export const FIRST_BONE = 2;
export const FIRST_HEAT = 128;
export const HEAT_STEPS = 127;
const BONES = FIRST_HEAT - FIRST_BONE;

/** The color number of a bone's label. */
export function boneColor(label: number): number {
  return FIRST_BONE + ((label - 1) % BONES);
}

/** A box of the screen's volume that has to be sent to the graphics card. */
export interface Slab {
  at: [number, number, number];
  size: [number, number, number];
}

/** The layers of one volume; slices are held as runs, and drawn into `numbers` where they change. */
export class Layers {
  readonly numbers: Uint8Array;
  private readonly answer = new Map<number, number[]>();
  private readonly bones = new Map<number, number[]>();
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

  /** How many voxels a slice has. */
  get sliceSize(): number {
    const [a, b] = inPlane(this.axis);
    return (this.shape[a] as number) * (this.shape[b] as number);
  }

  /** Slices of the answer, or of the bones, that are not empty. */
  slices(layer: "answer" | "bones"): number[] {
    return [...this[layer].keys()].sort((a, b) => a - b);
  }

  /** The labels of a slice of a layer. */
  labels(layer: "answer" | "bones", slice: number): Uint16Array {
    return decode(this[layer].get(slice) ?? [], this.sliceSize);
  }

  /** The slabs that differ after these slices of a layer have become others; `complete`: all else is empty. */
  change(layer: "answer" | "bones", slices: readonly SliceRuns[], complete = false): Slab[] {
    const named = new Set(slices.map((one) => one.slice));
    const gone = complete ? [...this[layer].keys()].filter((slice) => !named.has(slice)) : [];
    for (const slice of gone) this[layer].delete(slice);
    for (const { slice, runs } of slices) {
      if (runs.some((value, i) => i % 2 === 0 && value !== 0)) this[layer].set(slice, runs);
      else this[layer].delete(slice);
    }
    return [...named, ...gone].map((slice) => this.draw(slice));
  }

  /** The slabs that differ after the heat map is of another slice, or of none. */
  setHeat(slice: number | null, values?: Uint8Array): Slab[] {
    const before = this.heat?.slice ?? null;
    this.heat = slice === null || !values ? null : { slice, values };
    return [...new Set([before, slice])].filter((one) => one !== null).map((one) => this.draw(one));
  }

  /** The slab of a slice, drawn anew; `answer` stands in for the held one while a stroke is drawn. */
  draw(slice: number, answer?: ArrayLike<number>): Slab {
    const [a, b] = inPlane(this.axis);
    const [na, nb] = [this.shape[a] as number, this.shape[b] as number];
    const front = answer ?? (this.answer.has(slice) ? this.labels("answer", slice) : null);
    const back = this.bones.has(slice) ? this.labels("bones", slice) : null;
    const heat = this.heat?.slice === slice ? this.heat.values : null;
    const base = this.start + slice * this.strides[this.axis];
    for (let j = 0, n = 0; j < nb; j++) {
      let at = base + j * this.strides[b];
      for (let i = 0; i < na; i++, n++, at += this.strides[a]) {
        let number = NOTHING;
        if (heat && heatColor(heat[n] as number)) number = heatColor(heat[n] as number);
        else if (heat && front) number = NOTHING;
        else if (front && front[n]) number = ANSWER;
        else if (back && back[n]) number = boneColor(back[n] as number);
        this.numbers[at] = number;
      }
    }
    return this.slab(slice);
  }

  /** Where a slice lies in the screen's volume. */
  slab(slice: number): Slab {
    const x = this.upright.axes.indexOf(this.axis);
    const n = this.upright.dims[x] as number;
    const at: Slab["at"] = [0, 0, 0];
    const size = [...this.upright.dims] as Slab["size"];
    at[x] = this.upright.flipped[x] ? n - 1 - slice : slice;
    size[x] = 1;
    return { at, size };
  }

  /** The label of the bone at a voxel; 0 where there is none. */
  boneAt(ijk: readonly number[]): number {
    const [a, b] = inPlane(this.axis);
    const slice = ijk[this.axis] as number;
    if (!this.bones.has(slice)) return 0;
    return this.labels("bones", slice)[(ijk[a] as number) + (ijk[b] as number) * (this.shape[a] as number)] ?? 0;
  }

  /** The color number that is drawn at a voxel. */
  numberAt(ijk: readonly number[]): number {
    const at = this.start + ijk[0]! * this.strides[0] + ijk[1]! * this.strides[1] + ijk[2]! * this.strides[2];
    return this.numbers[at] ?? NOTHING;
  }
}

/** The color number of a probability 0..255; what is below a twentieth is left clear. */
export function heatColor(value: number): number {
  return value < 13 ? NOTHING : FIRST_HEAT + Math.round((value / 255) * (HEAT_STEPS - 1));
}

/** Red, green, blue and opacity of each color number, as NiiVue takes them. */
export function palette(answer: string, bones: readonly { label: number; color: string }[], hidden: ReadonlySet<number>): Uint8ClampedArray<ArrayBuffer> {
  const table = new Uint8ClampedArray(256 * 4);
  const put = (number: number, rgb: readonly number[], alpha: number): void => table.set([...rgb, alpha], number * 4);
  put(ANSWER, rgbOf(answer), 255);
  for (const bone of bones) put(boneColor(bone.label), rgbOf(bone.color), hidden.has(bone.label) ? 0 : 255);
  for (let step = 0; step < HEAT_STEPS; step++) put(FIRST_HEAT + step, heatRgb(step / (HEAT_STEPS - 1)), 255);
  return table;
}

/** Red, green and blue of "#rrggbb". */
export function rgbOf(color: string): [number, number, number] {
  const value = parseInt(color.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

// Dark violet over red and orange to pale yellow: even steps of lightness, told apart by any color vision.
const HEAT: readonly (readonly number[])[] = [[42, 15, 80], [120, 30, 110], [190, 55, 85], [237, 105, 40], [252, 175, 40], [250, 250, 165]];

/** The color of heat at a share 0..1. */
export function heatRgb(share: number): [number, number, number] {
  const at = Math.min(Math.max(share, 0), 1) * (HEAT.length - 1);
  const low = Math.min(Math.floor(at), HEAT.length - 2);
  return [0, 1, 2].map((c) => {
    const from = HEAT[low]![c]!;
    return Math.round(from + (HEAT[low + 1]![c]! - from) * (at - low));
  }) as [number, number, number];
}
