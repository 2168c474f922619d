// Tools: the prompt that a click, a stroke or the space bar makes. Pointer and keyboard both call them.

import { encode } from "../api/runLengths";
import type { Ijk } from "../api/types";
import type { ToolName } from "../session/store";
import type { Studio } from "../session/studio";
import { inside, nearest } from "../view/geometry";
import type { Stroke } from "../view/overlay";
import type { Tile } from "../view/viewer";
import { paintLine, thinned } from "./stroke";

export const TOOLS: Record<ToolName, { title: string; hint: string }> = {
  look: { title: "Look", hint: "Drag moves the crosshair" },
  point: { title: "Point", hint: "Click on bone; right-click or Alt+click on what is not bone" },
  box: { title: "Box", hint: "Drag around a bone" },
  scribble: { title: "Scribble", hint: "Draw along a bone; with the right button along what is not bone" },
  lasso: { title: "Lasso", hint: "Draw around a bone" },
  brush: { title: "Brush", hint: "Paint voxels; erase them with the right button" },
  eraser: { title: "Eraser", hint: "Erase voxels" },
};

const HOLD_MS = 250; // the other planes are drawn together with the new mask if it arrives within this time

/** A brush stroke under way on one slice. */
interface Painting {
  slice: number;
  /** The current mask of the slice with the stroke applied. */
  mask: Uint8Array;
  /** The voxels that the stroke covers. */
  touched: Uint8Array;
}

/** The active tool. */
export class Tools {
  private painting: Painting | null = null;

  constructor(private readonly studio: Studio) {}

  /** Whether the active tool draws strokes rather than sets points. */
  get drawsStrokes(): boolean {
    return !["look", "point"].includes(this.studio.state.tool);
  }

  /** Whether the active tool also draws strokes with the right button. */
  get hasNegativeStroke(): boolean {
    return ["scribble", "brush", "eraser"].includes(this.studio.state.tool);
  }

  /** Add a point on bone, or on what is not bone; only a point on bone moves the crosshair. */
  point(ijk: Ijk, positive: boolean): void {
    const voxel = nearest(ijk, this.studio.session.shape);
    if (!this.studio.session.job) this.studio.viewer.hold(HOLD_MS);
    if (positive) this.studio.lookAt(voxel);
    void this.studio.act("add_point", { ijk: voxel, positive }, { clicked: true });
  }

  /** Begin a stroke; return false where the tool cannot draw on this tile. */
  begin(tile: Tile, ijk: Ijk, positive: boolean): boolean {
    const { tool } = this.studio.state;
    if (tool === "look" || tool === "point") return false;
    if (tile.plane !== this.studio.viewer.mainPlane) {
      this.studio.store.notify(
        "error",
        `The ${tool} works on the acquisition plane, the large image. Points work on every plane.`,
      );
      return false;
    }
    if (tool === "brush" || tool === "eraser") this.startPainting(tool, ijk, positive);
    this.studio.store.set({ stroke: { kind: tool, positive, points: [ijk] } });
    return true;
  }

  /** Extend the stroke to a voxel. */
  extend(ijk: Ijk): void {
    const { stroke } = this.studio.state;
    if (!stroke) return;
    if (this.painting) this.paint(this.painting, stroke, stroke.points.at(-1)!, ijk);
    const points = stroke.kind === "box" ? [stroke.points[0]!, ijk] : [...stroke.points, ijk];
    this.studio.store.set({ stroke: { ...stroke, points } });
  }

  /** End the stroke and send it to the server. */
  end(): void {
    const { stroke } = this.studio.state;
    const { painting } = this;
    this.painting = null;
    this.studio.store.set({ stroke: null });
    if (painting && stroke) this.sendPainting(painting, stroke);
    else if (stroke) this.sendPrompt(stroke);
  }

  /** Discard the stroke and the points set by keyboard; return whether there were any. */
  drop(): boolean {
    const { viewer, state, store } = this.studio;
    const had = state.stroke !== null || state.pending.length > 0;
    if (this.painting) viewer.show([viewer.layers!.draw(this.painting.slice)]);
    this.painting = null;
    store.set({ stroke: null, pending: [] });
    return had;
  }

  // --- by keyboard ---
  /** Use the tool at the crosshair. */
  press(positive: boolean): void {
    const { tool, crosshair, pending } = this.studio.state;
    if (tool === "point" || tool === "look") {
      this.point(crosshair, positive);
      return;
    }
    if (tool === "brush" || tool === "eraser") {
      const tile = this.mainTile();
      if (tile && this.begin(tile, crosshair, positive)) this.end();
      return;
    }
    const points = [...pending, [...crosshair] as Ijk];
    this.studio.store.set({ pending: points });
    if (tool === "box" && points.length === 2) this.complete(positive);
  }

  /** Send the points that were set by keyboard as one prompt; return whether there were any. */
  complete(positive = true): boolean {
    const { pending, tool } = this.studio.state;
    if (!pending.length || (tool !== "box" && tool !== "scribble" && tool !== "lasso")) return false;
    this.studio.store.set({ pending: [] });
    this.sendPrompt({ kind: tool, positive, points: pending });
    return true;
  }

  private mainTile(): Tile | null {
    const { viewer } = this.studio;
    return viewer.tiles().find((tile) => tile.plane === viewer.mainPlane && tile.fixed === null) ?? null;
  }

  private sliceOf(ijk: Ijk): number {
    return Math.round(ijk[this.studio.session.axis]!);
  }

  // --- brush and eraser ---
  private startPainting(kind: "brush" | "eraser", ijk: Ijk, positive: boolean): void {
    const layers = this.studio.viewer.layers!;
    const slice = this.sliceOf(ijk);
    const mask = Uint8Array.from(layers.labels("current", slice), (label) => (label ? 1 : 0));
    this.painting = { slice, mask, touched: new Uint8Array(layers.sliceSize) };
    this.paint(this.painting, { kind, positive, points: [ijk] }, ijk, ijk);
  }

  private paint(painting: Painting, stroke: Stroke, from: Ijk, to: Ijk): void {
    const { session, viewer, state } = this.studio;
    const grid = { axis: session.axis, shape: session.shape, spacing: session.spacing_mm };
    paintLine(painting.touched, from, to, state.brushMm / 2, grid);
    const value = erases(stroke) ? 0 : 1;
    painting.touched.forEach((touched, n) => {
      if (touched) painting.mask[n] = value;
    });
    viewer.show([viewer.layers!.draw(painting.slice, painting.mask)]);
  }

  private sendPainting({ slice, touched }: Painting, stroke: Stroke): void {
    const body = { slice, runs: encode(touched), erase: erases(stroke) };
    void this.studio.act("paint", body, { clicked: true }).then((done) => {
      if (!done) this.studio.viewer.show([this.studio.viewer.layers!.draw(slice)]);
    });
  }

  // --- box, scribble, lasso ---
  private sendPrompt(stroke: Stroke): void {
    const { studio } = this;
    const { axis, shape } = studio.session;
    const slice = this.sliceOf(stroke.points[0]!);
    const points = stroke.points.map((point) => point.map((value, a) => (a === axis ? slice : value)) as Ijk);
    if (stroke.kind === "box") {
      this.sendBox(nearest(points[0]!, shape), nearest(points.at(-1)!, shape));
      return;
    }
    const line = thinned(points.filter((ijk) => inside(ijk, shape)));
    if (stroke.kind === "lasso" && line.length < 3) {
      studio.store.notify("error", "A lasso needs at least three points. Draw around the bone.");
      return;
    }
    const ijk_list = line.map((ijk) => ijk.map((value) => Math.round(value * 100) / 100));
    const body = stroke.kind === "scribble" ? { ijk_list, positive: stroke.positive } : { ijk_list };
    void studio.act(`add_${stroke.kind}`, body, { clicked: true });
  }

  private sendBox(a: Ijk, b: Ijk): void {
    if (a.filter((value, axis) => value !== b[axis]).length < 2) {
      this.studio.store.notify("error", "A box needs two corners. Drag from one to the other.");
      return;
    }
    const corner = (pick: (...values: number[]) => number): number[] => a.map((value, n) => pick(value, b[n]!));
    void this.studio.act("add_box", { min_ijk: corner(Math.min), max_ijk: corner(Math.max) }, { clicked: true });
  }
}

function erases(stroke: Stroke): boolean {
  return stroke.kind === "eraser" || !stroke.positive;
}
