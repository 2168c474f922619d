// A second series next to the image: it follows the crosshair and shows the same masks.

import type { Api } from "../api/client";
import type { Axis, Session } from "../api/types";
import { toVoxel } from "../view/geometry";
import { Viewer } from "../view/viewer";
import { parseNifti } from "../view/volume";

/** The viewer of the second series. */
export class Comparison {
  viewer = new Viewer();
  private canvas: ((canvas: HTMLCanvasElement) => void) | null = null;
  private readonly ready: Promise<HTMLCanvasElement>;

  constructor(
    private readonly api: Api,
    /** The viewer of the image itself. */
    private readonly main: Viewer,
  ) {
    this.ready = new Promise((done) => {
      this.canvas = done;
    });
  }

  /** Set the canvas, once it is on the page. */
  attach(canvas: HTMLCanvasElement): void {
    this.canvas?.(canvas);
  }

  /** Load a series of the session's image. */
  async load(session: Session, key: string): Promise<void> {
    if (!this.viewer.subject) await this.viewer.attach(await this.ready);
    const image = await this.api.image(session.id, () => undefined, key);
    const { shape, affine } = parseNifti(image);
    await this.viewer.load(image, { shape, affine, axis: nearestAxis(affine, session.affine, session.axis) });
    this.viewer.layout("single");
    this.follow();
  }

  /** Show the place and zoom of the main image. */
  follow(): void {
    const { subject } = this.viewer;
    if (!subject) return;
    this.viewer.lookAt(toVoxel(this.main.world(this.main.crosshair), subject.affine));
    this.viewer.resetView();
    if (this.main.zoom !== 1) this.viewer.zoomBy(this.main.zoom);
    this.showMasks();
  }

  /** Show the masks of the main image on the slice that is seen. */
  showMasks(): void {
    this.viewer.showMasksOf(this.main);
  }
}

/** Return the axis of one volume that is closest to parallel to an axis of another. */
export function nearestAxis(affine: number[][], other: number[][], axis: number): Axis {
  const along = ([0, 1, 2] as const).map((a) => {
    const dot = [0, 1, 2].reduce((sum, r) => sum + affine[r]![a]! * other[r]![axis]!, 0);
    return Math.abs(dot) / Math.hypot(...[0, 1, 2].map((r) => affine[r]![a]!));
  });
  return along.indexOf(Math.max(...along)) as Axis;
}
