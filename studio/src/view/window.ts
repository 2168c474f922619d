// Windows: the intensities that are shown black and white.

import { inPlane } from "./geometry";
import type { Voxels } from "./volume";

export interface Window {
  low: number;
  high: number;
}

export type WindowPreset = "auto" | "slice" | "full" | "dark" | "bright";

export const WINDOW_PRESETS: Record<WindowPreset, string> = {
  auto: "Auto",
  slice: "Auto, this slice",
  full: "Full range",
  dark: "Dark tissue (lower half)",
  bright: "Bright tissue (upper half)",
};

const BINS = 65536;
const OFFSET = 32768; // of stored int16 numbers in the histogram
const SAMPLE = 4_000_000;
const AIR_FRACTION = 0.03; // of the range: darker numbers are not counted
const BRIGHT_QUANTILE = 0.985;

/** Return the stored numbers between which most of the image is; air and the brightest few are left out. */
export function autoWindow(data: Int16Array): Window {
  const counts = new Uint32Array(BINS);
  const step = Math.max(1, Math.floor(data.length / SAMPLE));
  for (let n = 0; n < data.length; n += step) counts[data[n]! + OFFSET]!++;
  const first = counts.findIndex((count) => count > 0);
  let last = BINS - 1;
  while (last > first && !counts[last]) last--;
  if (last <= first) return { low: first - OFFSET, high: first - OFFSET + 1 };
  const air = first + Math.round((last - first) * AIR_FRACTION);
  let total = 0;
  for (let n = air; n <= last; n++) total += counts[n]!;
  const high = quantile(counts, air, last, BRIGHT_QUANTILE * total) - OFFSET;
  const darkest = first - OFFSET;
  return { low: Math.min(darkest + Math.round((high - darkest) * 0.02), high - 1), high };
}

function quantile(counts: Uint32Array, from: number, to: number, rank: number): number {
  let sum = 0;
  for (let n = from; n <= to; n++) {
    sum += counts[n]!;
    if (sum >= rank) return n;
  }
  return to;
}

/** Return the stored numbers of a preset; `axis` and `slice` are those on the screen. */
export function presetWindow(preset: WindowPreset, voxels: Voxels, axis: 0 | 1 | 2, slice: number): Window {
  if (preset === "slice") return autoWindow(sliceOf(voxels, axis, slice));
  if (preset === "full") return rangeOf(voxels.data);
  const { low, high } = autoWindow(voxels.data);
  const middle = Math.round((low + high) / 2);
  if (preset === "dark") return { low, high: Math.max(middle, low + 1) };
  return preset === "bright" ? { low: Math.min(middle, high - 1), high } : { low, high };
}

function rangeOf(data: Int16Array): Window {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high: Math.max(high, low + 1) };
}

function sliceOf({ data, shape }: Voxels, axis: 0 | 1 | 2, slice: number): Int16Array {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const [a, b] = inPlane(axis);
  const found = new Int16Array(shape[a] * shape[b]);
  for (let j = 0, n = 0; j < shape[b]; j++) {
    let at = slice * strides[axis]! + j * strides[b]!;
    for (let i = 0; i < shape[a]; i++, n++, at += strides[a]!) found[n] = data[at]!;
  }
  return found;
}
