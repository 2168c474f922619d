// Tools: what a click, a stroke or the space bar means. Pointer and keyboard both end here.

import type { Studio } from "../studio";
import { inside, nearest } from "../geometry";
import { encode } from "../runs";
import type { ToolName } from "../state";
import type { Ijk } from "../types";
import type { Tile } from "../view/viewer";
import { paintLine, thinned, type Stroke } from "./stroke";

export const TOOLS: Record<ToolName, { title: string; hint: string }> = {
  look: { title: "Look", hint: "Drag moves the crosshair" },
  point: { title: "Point", hint: "Click bone; right click or Alt+click what is not bone" },
  box: { title: "Box", hint: "Drag around a bone" },
  scribble: { title: "Scribble", hint: "Draw along a bone; with the right button along what is not bone" },
  lasso: { title: "Lasso", hint: "Draw around a bone" },
  brush: { title: "Brush", hint: "Paint voxels; with the right button erase them" },
  eraser: { title: "Eraser", hint: "Erase voxels" },
};

const PATIENCE_MS = 250; // the crosshair's other planes wait so long for the answer, and are drawn with it

/** The hand that holds the tool. */
export class Hand {
  stroke: Stroke | null = null;
  /** Where the pointer is. */
  hover: { tile: Tile; ijk: Ijk } | null = null;

  constructor(
    private readonly studio: Studio,
    /** Told when what is drawn by hand differs. */
    private readonly redraw: () => void,
  ) {}

  /** Whether the tool draws strokes rather than sets points. */
  get draws(): boolean {
    return !["look", "point"].includes(this.studio.state.tool);
  }

  /** Whether the tool draws with the right button too. */
  get hasReverse(): boolean {
    return ["scribble", "brush", "eraser"].includes(this.studio.state.tool);
  }

  /** A point of bone, or of what is not bone. */
  point(ijk: Ijk, positive: boolean): void {
    const voxel = nearest(ijk, this.studio.session.shape);
    if (!this.studio.session.job) this.studio.viewer.hold(PATIENCE_MS);
    this.studio.lookAt(voxel);
    if (this.busy()) return;
    void this.studio.act("add_point", { ijk: voxel, positive }, { clicked: true });
  }

  /** Begins a stroke. */
  begin(tile: Tile, ijk: Ijk, positive: boolean): void {
    const { tool } = this.studio.state;
    if (tool === "look" || tool === "point" || this.busy()) return;
    if (tile.plane !== this.studio.viewer.mainPlane) {
      this.studio.store.notify("error", "This tool works on the plane that was scanned, the large one. Points work on every plane.");
      return;
    }
    this.stroke = { kind: tool, positive, tile, points: [ijk] };
    if (tool === "brush" || tool === "eraser") this.startPainting(this.stroke, ijk);
    this.redraw();
  }

  /** Goes on with it. */
  extend(ijk: Ijk): void {
    const { stroke } = this;
    if (!stroke) return;
    if (stroke.mask) this.paint(stroke, stroke.points.at(-1)!, ijk);
    if (stroke.kind === "box") stroke.points = [stroke.points[0]!, ijk];
    else stroke.points.push(ijk);
    this.redraw();
  }

  /** Ends it; the server is asked. */
  end(): void {
    const { stroke } = this;
    this.stroke = null;
    this.redraw();
    if (stroke) this.finish(stroke);
  }

  /** Gives it up. */
  drop(): boolean {
    const had = this.stroke !== null || this.studio.state.pending.length > 0;
    if (this.stroke?.mask) this.studio.viewer.show([this.studio.viewer.layers!.draw(this.sliceOf(this.stroke))]);
    this.stroke = null;
    this.studio.store.set({ pending: [] });
    this.redraw();
    return had;
  }

  // --- by keyboard ---
  /** What the space bar does at the crosshair. */
  press(positive: boolean): void {
    const { tool, crosshair, pending } = this.studio.state;
    if (tool === "point" || tool === "look") return this.point(crosshair, positive);
    const tile = this.mainTile();
    if (!tile) return;
    if (tool === "brush" || tool === "eraser") {
      this.begin(tile, crosshair, positive);
      return this.end();
    }
    const points = [...pending, [...crosshair] as Ijk];
    this.studio.store.set({ pending: points });
    if (tool === "box" && points.length === 2) this.complete(positive);
    this.redraw();
  }

  /** Ends a line that was set point by point; whether there was one. */
  complete(positive = true): boolean {
    const { pending, tool } = this.studio.state;
    const tile = this.mainTile();
    if (!pending.length || !tile || (tool !== "box" && tool !== "scribble" && tool !== "lasso")) return false;
    this.studio.store.set({ pending: [] });
    if (!this.busy()) this.finish({ kind: tool, positive, tile, points: pending });
    this.redraw();
    return true;
  }

  private mainTile(): Tile | null {
    const { viewer } = this.studio;
    return viewer.tiles().find((tile) => tile.plane === viewer.mainPlane && tile.fixed === null) ?? null;
  }

  private busy(): boolean {
    const { job } = this.studio.session;
    if (job) this.studio.store.notify("error", `${job.verb} is at work. Wait until it is done, or cancel it with Esc.`);
    return job !== null;
  }

  private sliceOf(stroke: Stroke): number {
    return Math.round(stroke.points[0]![this.studio.session.axis]!);
  }

  private startPainting(stroke: Stroke, ijk: Ijk): void {
    const layers = this.studio.viewer.layers!;
    stroke.mask = Uint8Array.from(layers.labels("answer", this.sliceOf(stroke)), (label) => (label ? 1 : 0));
    stroke.touched = new Uint8Array(layers.sliceSize);
    this.paint(stroke, ijk, ijk);
  }

  private paint(stroke: Stroke, from: Ijk, to: Ijk): void {
    const { session, viewer, state } = this.studio;
    const grid = { axis: session.axis, shape: session.shape, spacing: session.spacing_mm };
    paintLine(stroke.touched!, from, to, state.brushMm / 2, grid);
    const value = this.erases(stroke) ? 0 : 1;
    stroke.touched!.forEach((touched, n) => touched && (stroke.mask![n] = value));
    viewer.show([viewer.layers!.draw(this.sliceOf(stroke), stroke.mask)]);
  }

  private erases(stroke: Stroke): boolean {
    return stroke.kind === "eraser" || !stroke.positive;
  }

  private finish(stroke: Stroke): void {
    const { studio } = this;
    const { session } = studio;
    const slice = this.sliceOf(stroke);
    const whole = stroke.points.map((point) => {
      const ijk = [...point] as Ijk;
      ijk[session.axis] = slice;
      return ijk;
    });
    if (stroke.kind === "brush" || stroke.kind === "eraser") {
      void studio.act("paint", { slice, runs: encode(stroke.touched!), erase: this.erases(stroke) }, { clicked: true }).then((done) => {
        if (!done) studio.viewer.show([studio.viewer.layers!.draw(slice)]);
      });
      return;
    }
    if (stroke.kind === "box") {
      const [a, b] = [whole[0]!, whole.at(-1)!].map((ijk) => nearest(ijk, session.shape)) as [Ijk, Ijk];
      if (a.filter((value, axis) => value !== b[axis]).length < 2) {
        return studio.store.notify("error", "A box needs two corners: drag from one to the other.");
      }
      const corner = (pick: (...values: number[]) => number): Ijk => a.map((value, axis) => pick(value, b[axis]!)) as Ijk;
      void studio.act("add_box", { min_ijk: corner(Math.min), max_ijk: corner(Math.max) }, { clicked: true });
      return;
    }
    const line = thinned(whole.filter((ijk) => inside(ijk, session.shape)));
    if (stroke.kind === "lasso" && line.length < 3) return studio.store.notify("error", "A lasso needs three points at least: draw around the bone.");
    const round = line.map((ijk) => ijk.map((value) => Math.round(value * 100) / 100));
    const body = stroke.kind === "scribble" ? { ijk_list: round, positive: stroke.positive } : { ijk_list: round };
    void studio.act(`add_${stroke.kind}`, body, { clicked: true });
  }
}
