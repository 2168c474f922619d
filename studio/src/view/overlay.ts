// Lines drawn over the image: crosshair, orientation letters, prompts, strokes, scale bar.

import type { Ijk, Prompt } from "../api/types";
import { letters, planeName } from "./geometry";
import type { LayoutName } from "./layouts";
import type { Tile, Viewer } from "./viewer";

const COLORS = {
  bone: "#45e0a0",
  other: "#ff7a6b",
  cross: "rgba(110, 190, 255, 0.75)",
  text: "#c9d4df",
  faint: "#8795a4",
  line: "#2a333d",
};
const QUEUED_OPACITY = 0.5;
const FONT_PX = 11;
const LARGE_SCREEN = "(min-width: 2560px)"; // as in the style sheet

function textScale(): number {
  return matchMedia(LARGE_SCREEN).matches ? 1.5 : 1;
}

/** A stroke that is being drawn. */
export interface Stroke {
  kind: "box" | "scribble" | "lasso" | "brush" | "eraser";
  positive: boolean;
  points: Ijk[];
}

/** The part of the page's state that is drawn as lines. */
export interface Scene {
  session: { prompts: readonly Prompt[] } | null;
  layout: LayoutName;
  overlay: { shown: boolean };
  tool: string;
  crosshair: Ijk;
  brushMm: number;
  /** Points that were set by keyboard. */
  pending: readonly Ijk[];
  /** Prompts that wait for a job to end. */
  queued: readonly Prompt[];
  stroke: Stroke | null;
  /** The voxel under the pointer, and the index of its tile. */
  hover: { tile: number; ijk: Ijk } | null;
}

/** Draw the lines over a viewer; prompts and strokes on request. */
export function drawOverlay(canvas: HTMLCanvasElement, viewer: Viewer, scene: Scene, withPrompts: boolean): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const dpr = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * dpr)) canvas.width = Math.round(width * dpr);
  if (canvas.height !== Math.round(height * dpr)) canvas.height = Math.round(height * dpr);
  const g = canvas.getContext("2d")!;
  g.setTransform(dpr, 0, 0, dpr, 0, 0);
  g.clearRect(0, 0, width, height);
  if (!viewer.subject || !scene.session) return;
  for (const tile of viewer.tiles()) {
    g.save();
    g.beginPath();
    g.rect(tile.x, tile.y, tile.width, tile.height);
    g.clip();
    if (tile.plane !== null) drawTile(g, viewer, tile, scene, withPrompts);
    g.restore();
    g.strokeStyle = COLORS.line;
    g.lineWidth = 1;
    g.strokeRect(tile.x + 0.5, tile.y + 0.5, tile.width - 1, tile.height - 1);
  }
}

function drawTile(g: CanvasRenderingContext2D, viewer: Viewer, tile: Tile, scene: Scene, withPrompts: boolean): void {
  if (tile.fixed === null && scene.layout !== "mosaic") drawCross(g, viewer, tile);
  drawMarks(g, viewer, tile);
  if (!withPrompts) return;
  const session = scene.session!;
  const { axis, slice } = viewer.sliceOf(tile);
  if (scene.overlay.shown) {
    for (const prompt of session.prompts) drawPrompt(g, viewer, tile, prompt, axis, slice);
    g.globalAlpha = QUEUED_OPACITY;
    for (const prompt of scene.queued) drawPrompt(g, viewer, tile, prompt, axis, slice);
    g.globalAlpha = 1;
  }
  if (tile.plane !== viewer.mainPlane || tile.fixed !== null) return;
  const points = scene.stroke ? scene.stroke.points : scene.pending;
  const kind = scene.stroke?.kind ?? scene.tool;
  if (points.length && kind !== "brush" && kind !== "eraser") {
    const positive = scene.stroke?.positive ?? true;
    drawLine(
      g,
      points.map((ijk) => viewer.place(ijk, tile)),
      kind,
      positive ? COLORS.bone : COLORS.other,
    );
  }
  if (scene.tool === "brush" || scene.tool === "eraser") drawBrush(g, viewer, tile, scene);
}

function drawCross(g: CanvasRenderingContext2D, viewer: Viewer, tile: Tile): void {
  const [x, y] = viewer.place(viewer.crosshair, tile).map((value) => Math.round(value) + 0.5) as [number, number];
  const gap = 9;
  g.strokeStyle = COLORS.cross;
  g.lineWidth = 1;
  g.beginPath();
  for (const [from, to] of [
    [tile.x, x - gap],
    [x + gap, tile.x + tile.width],
  ] as const) {
    if (to > from) line(g, from, y, to, y);
  }
  for (const [from, to] of [
    [tile.y, y - gap],
    [y + gap, tile.y + tile.height],
  ] as const) {
    if (to > from) line(g, x, from, x, to);
  }
  g.globalAlpha = 0.55;
  g.stroke();
  g.globalAlpha = 1;
}

function line(g: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
}

function drawMarks(g: CanvasRenderingContext2D, viewer: Viewer, tile: Tile): void {
  const { right, down } = viewer.edges(tile);
  const opposite = (v: readonly number[]): number[] => v.map((value) => -value);
  const small = tile.width < 240 || tile.height < 180;
  g.font = `${FONT_PX * textScale()}px system-ui, sans-serif`;
  g.textBaseline = "middle";
  g.fillStyle = COLORS.text;
  const middle = [tile.x + tile.width / 2, tile.y + tile.height / 2] as const;
  const put = (text: string, x: number, y: number, align: CanvasTextAlign): void => {
    g.textAlign = align;
    g.lineWidth = 3;
    g.strokeStyle = "rgba(0, 0, 0, 0.7)";
    g.strokeText(text, x, y);
    g.fillText(text, x, y);
  };
  if (tile.fixed === null) {
    put(letters(opposite(right)), tile.x + 6, middle[1], "left");
    put(letters(right), tile.x + tile.width - 6, middle[1], "right");
    put(letters(opposite(down)), middle[0], tile.y + 10 * textScale(), "center");
    if (!small) put(letters(down), middle[0], tile.y + tile.height - 9 * textScale(), "center");
  }
  const { axis, slice } = viewer.sliceOf(tile);
  const count = viewer.subject!.shape[axis]!;
  g.fillStyle = COLORS.faint;
  const name = planeName(tile.plane!);
  put(
    tile.fixed !== null ? `${slice}` : small ? `${name.slice(0, 3)} ${slice}` : `${name} ${slice} / ${count - 1}`,
    tile.x + 6,
    tile.y + 10 * textScale(),
    "left",
  );
  if (!small && tile.fixed === null) drawScale(g, viewer, tile);
}

function drawScale(g: CanvasRenderingContext2D, viewer: Viewer, tile: Tile): void {
  const perMm = viewer.scale(tile);
  const mm = [100, 50, 20, 10, 5, 2, 1].find((one) => one * perMm < tile.width / 4) ?? 1;
  const [x, y] = [Math.round(tile.x + tile.width - 10) + 0.5, Math.round(tile.y + tile.height - 10) + 0.5];
  g.strokeStyle = COLORS.faint;
  g.lineWidth = 1;
  g.beginPath();
  line(g, x - mm * perMm, y, x, y);
  for (const at of [x - mm * perMm, x]) line(g, at, y - 4, at, y);
  g.stroke();
  g.textAlign = "right";
  g.fillText(mm >= 10 ? `${mm / 10} cm` : `${mm} mm`, x, y - 11 * textScale());
}

function drawPrompt(
  g: CanvasRenderingContext2D,
  viewer: Viewer,
  tile: Tile,
  prompt: Prompt,
  axis: number,
  slice: number,
): void {
  const here = (ijk: readonly number[]): boolean => Math.round(ijk[axis]!) === slice;
  const color = prompt.positive === false ? COLORS.other : COLORS.bone;
  if (prompt.ijk && here(prompt.ijk)) {
    drawPoint(g, viewer.place(prompt.ijk, tile), prompt.positive !== false);
  } else if (prompt.min_ijk && prompt.max_ijk && prompt.min_ijk[axis]! <= slice && slice <= prompt.max_ijk[axis]!) {
    drawLine(
      g,
      [prompt.min_ijk, prompt.max_ijk].map((ijk) => viewer.place(ijk, tile)),
      "box",
      color,
    );
  } else if (prompt.ijk_list?.some(here)) {
    const kind = prompt.kind === "lasso" ? "lasso" : "scribble";
    drawLine(
      g,
      prompt.ijk_list.map((ijk) => viewer.place(ijk as Ijk, tile)),
      kind,
      color,
    );
  }
}

function drawPoint(g: CanvasRenderingContext2D, [x, y]: [number, number], positive: boolean): void {
  g.beginPath();
  g.arc(x, y, 6, 0, 2 * Math.PI);
  g.fillStyle = positive ? COLORS.bone : COLORS.other;
  g.fill();
  g.lineWidth = 1.5;
  g.strokeStyle = "#06120c";
  g.stroke();
  g.beginPath();
  line(g, x - 3, y, x + 3, y);
  if (positive) line(g, x, y - 3, x, y + 3);
  g.stroke();
}

function drawLine(g: CanvasRenderingContext2D, points: [number, number][], kind: string, color: string): void {
  g.strokeStyle = color;
  g.lineWidth = 1.75;
  g.setLineDash(kind === "box" || kind === "lasso" ? [5, 3] : []);
  g.beginPath();
  if (kind === "box" && points.length > 1) {
    const [[x0, y0], [x1, y1]] = points as [[number, number], [number, number]];
    g.rect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  } else {
    points.forEach(([x, y], n) => (n ? g.lineTo(x, y) : g.moveTo(x, y)));
    if (kind === "lasso") g.closePath();
  }
  g.stroke();
  g.setLineDash([]);
  if (points.length === 1) {
    g.beginPath();
    g.arc(...points[0]!, 3, 0, 2 * Math.PI);
    g.stroke();
  }
}

function drawBrush(g: CanvasRenderingContext2D, viewer: Viewer, tile: Tile, scene: Scene): void {
  const at = scene.stroke?.points.at(-1) ?? (scene.hover?.tile === tile.index ? scene.hover.ijk : scene.crosshair);
  const [x, y] = viewer.place(at, tile);
  g.beginPath();
  g.arc(x, y, Math.max((scene.brushMm / 2) * viewer.scale(tile), 1.5), 0, 2 * Math.PI);
  const erases = scene.tool === "eraser" || scene.stroke?.positive === false;
  g.lineWidth = 1.5;
  g.strokeStyle = erases ? COLORS.other : COLORS.bone;
  g.stroke();
}
