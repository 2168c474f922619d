// Steps on the screen as steps of voxels.

import type { Ijk } from "../types";
import type { Viewer } from "./viewer";

/** The voxel that lies so many steps to the right of the crosshair, and below, on the plane of the scan. */
export function screenStep(viewer: Viewer, dx: number, dy: number): Ijk {
  const ijk = [...viewer.crosshair] as Ijk;
  const tile = viewer.tiles().find((one) => one.plane === viewer.mainPlane);
  if (!tile) return ijk;
  const [x, y] = viewer.place(ijk, tile);
  for (const axis of [0, 1, 2]) {
    if (axis === viewer.subject!.axis) continue;
    const moved = [...ijk];
    moved[axis]! += 1;
    const [mx, my] = viewer.place(moved, tile);
    const along = dx ? Math.sign(mx - x) * dx : Math.sign(my - y) * dy;
    if (Math.abs(dx ? mx - x : my - y) > Math.abs(dx ? my - y : mx - x)) ijk[axis]! += along;
  }
  return ijk;
}
