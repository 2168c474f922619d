// Steps on the screen as steps of voxels.

import type { Ijk } from "../api/types";
import type { Axis } from "./geometry";
import type { Tile } from "./viewer";

/** The part of a viewer that is needed. */
export interface Screen {
  crosshair: Ijk;
  mainPlane: number;
  subject: { axis: Axis } | null;
  tiles(): Tile[];
  place(ijk: ArrayLike<number>, tile: Tile): [number, number];
}

/** Return the voxel some steps to the right of the crosshair and below it, on the acquisition plane. */
export function screenStep(viewer: Screen, right: number, down: number): Ijk {
  const ijk = [...viewer.crosshair] as Ijk;
  const tile = viewer.tiles().find((one) => one.plane === viewer.mainPlane);
  if (!tile || !viewer.subject) return ijk;
  const axes = ([0, 1, 2] as const).filter((axis) => axis !== viewer.subject!.axis);
  for (const [steps, screenAxis] of [
    [right, 0],
    [down, 1],
  ] as const) {
    if (!steps) continue;
    // One array axis runs along each screen axis: the one that moves farther along it.
    const shifts = axes.map((axis) => shiftOf(viewer, tile, axis, screenAxis));
    const n = Math.abs(shifts[0]!) >= Math.abs(shifts[1]!) ? 0 : 1;
    ijk[axes[n]!]! += steps * Math.sign(shifts[n]!);
  }
  return ijk;
}

/** Return how many pixels a step of one voxel along an array axis moves along a screen axis. */
function shiftOf(viewer: Screen, tile: Tile, axis: Axis, screenAxis: 0 | 1): number {
  const moved = viewer.crosshair.map((value, a) => (a === axis ? value + 1 : value));
  return viewer.place(moved, tile)[screenAxis]! - viewer.place(viewer.crosshair, tile)[screenAxis]!;
}
