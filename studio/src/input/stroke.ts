// Lines drawn by hand: the voxels below a brush, and lines with fewer points.

import type { Ijk } from "../api/types";
import { type Axis, inPlane } from "../view/geometry";

/** Mark the voxels of a slice within a radius of the line between two points. */
export function paintLine(
  into: Uint8Array,
  from: Ijk,
  to: Ijk,
  radiusMm: number,
  grid: { axis: Axis; shape: readonly number[]; spacing: readonly number[] },
): void {
  const [a, b] = inPlane(grid.axis);
  const [na, nb] = [grid.shape[a]!, grid.shape[b]!];
  const [sa, sb] = [grid.spacing[a]!, grid.spacing[b]!];
  const low = (axis: number, spacing: number): number =>
    Math.max(0, Math.floor(Math.min(from[axis]!, to[axis]!) - radiusMm / spacing));
  const high = (axis: number, spacing: number, n: number): number =>
    Math.min(n - 1, Math.ceil(Math.max(from[axis]!, to[axis]!) + radiusMm / spacing));
  const [dx, dy] = [(to[a]! - from[a]!) * sa, (to[b]! - from[b]!) * sb];
  const length2 = dx * dx + dy * dy;
  // Half a voxel at least, so that a fine brush paints the voxel under it.
  const reach = Math.max(radiusMm, Math.min(sa, sb) / 2) ** 2;
  for (let j = low(b, sb); j <= high(b, sb, nb); j++) {
    for (let i = low(a, sa); i <= high(a, sa, na); i++) {
      const [x, y] = [(i - from[a]!) * sa, (j - from[b]!) * sb];
      const along = length2 ? Math.min(Math.max((x * dx + y * dy) / length2, 0), 1) : 0;
      if ((x - along * dx) ** 2 + (y - along * dy) ** 2 <= reach) into[i + j * na] = 1;
    }
  }
}

/** Return a line without the points that are closer than a step to the one before. */
export function thinned(points: readonly Ijk[], step = 0.7): Ijk[] {
  const kept: Ijk[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (!last || Math.hypot(...point.map((value, a) => value - last[a]!)) >= step) kept.push(point);
  }
  return kept;
}
