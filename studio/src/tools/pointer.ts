// Mouse, pen and touch on the image.

import type { Studio } from "../studio";
import type { Ijk } from "../types";
import type { Tile, Viewer } from "../view/viewer";
import type { Hand } from "./tools";

type Drag = { what: "window" | "pan" | "turn" | "look" | "stroke" | "click"; tile: Tile; x: number; y: number; moved: boolean; positive: boolean };

const STILL_PX = 4; // a click may move so far

/** Listens to the pointer on an element that lies over a viewer. */
export function listenToPointer(element: HTMLElement, studio: Studio, viewer: Viewer, hand: Hand, redraw: () => void): void {
  let drag: Drag | null = null;

  const place = (event: PointerEvent | WheelEvent): [number, number] => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  element.addEventListener("pointerdown", (event) => {
    if (!studio.state.session) return;
    const [x, y] = place(event);
    const tile = viewer.tileAt(x, y);
    if (!tile) return;
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    const reverse = event.button === 2 || event.altKey || event.shiftKey;
    drag = { what: kindOf(event, tile), tile, x, y, moved: false, positive: !reverse };
    const ijk = viewer.pick(x, y, tile);
    if (drag.what === "look" && ijk) studio.lookAt(ijk);
    if (drag.what === "stroke") {
      if (ijk) hand.begin(tile, ijk, drag.positive);
      if (!hand.stroke) drag = null;
    }
  });

  element.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (drag) move(drag, x, y);
    else {
      const tile = viewer.tileAt(x, y);
      const ijk = tile && studio.state.session ? viewer.pick(x, y, tile) : null;
      hand.hover = tile && ijk ? { tile, ijk } : null;
      redraw();
    }
  });

  element.addEventListener("pointerup", (event) => {
    const ended = drag;
    drag = null;
    if (!ended) return;
    const [x, y] = place(event);
    if (ended.what === "stroke") hand.end();
    else if (!ended.moved && (ended.what === "click" || ended.what === "window")) click(ended, x, y);
  });

  element.addEventListener("pointercancel", () => {
    if (drag?.what === "stroke") hand.drop();
    drag = null;
  });
  element.addEventListener("pointerleave", () => {
    hand.hover = null;
    redraw();
  });
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("dblclick", (event) => {
    const box = element.getBoundingClientRect();
    const tile = viewer.tileAt(event.clientX - box.left, event.clientY - box.top);
    if (tile?.fixed !== null && tile?.fixed !== undefined) {
      studio.goTo(tile.fixed);
      studio.setLayout("main");
    }
  });

  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (!studio.state.session) return;
      const [x, y] = place(event);
      const tile = viewer.tileAt(x, y);
      if (!tile) return;
      if (tile.plane === null) return turnOrScale(event);
      if (event.ctrlKey || event.metaKey) {
        return studio.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.06 : 0.003)), viewer.pick(x, y, tile) ?? undefined);
      }
      scroll(event, tile);
    },
    { passive: false },
  );

  let left = 0;
  function scroll(event: WheelEvent, tile: Tile): void {
    left += event.deltaMode ? Math.sign(event.deltaY) * 60 : event.deltaY;
    const steps = Math.abs(event.deltaY) >= 100 || event.deltaMode ? Math.sign(event.deltaY) : Math.trunc(left / 40);
    if (!steps) return;
    left = 0;
    studio.step(steps, viewer.upright.axes[tile.plane!]!);
  }

  function turnOrScale(event: WheelEvent): void {
    const { scene } = viewer.nv;
    scene.volScaleMultiplier = Math.min(Math.max(scene.volScaleMultiplier * Math.exp(-event.deltaY * 0.002), 0.5), 6);
    viewer.draw();
  }

  function kindOf(event: PointerEvent, tile: Tile): Drag["what"] {
    if (tile.plane === null) return "turn";
    if (event.button === 1) return "pan";
    if (event.ctrlKey || event.metaKey) return "window";
    const { tool } = studio.state;
    if (event.button === 2) return hand.hasReverse ? "stroke" : "window";
    if (tool === "look") return event.shiftKey ? "pan" : "look";
    return hand.draws ? "stroke" : "click";
  }

  function move(now: Drag, x: number, y: number): void {
    const [dx, dy] = [x - now.x, y - now.y];
    if (!now.moved && Math.hypot(dx, dy) < STILL_PX && now.what !== "stroke") return;
    now.moved = true;
    if (now.what === "click") return;
    if (now.what === "stroke") return extend(now, x, y);
    [now.x, now.y] = [x, y];
    if (now.what === "turn") viewer.turnBy(dx, dy);
    else if (now.what === "pan") viewer.panBy(dx, dy, now.tile);
    else if (now.what === "window") studio.windowBy(dx, dy);
    else {
      const ijk = viewer.pick(x, y, now.tile);
      if (ijk) studio.lookAt(ijk);
    }
  }

  function extend(now: Drag, x: number, y: number): void {
    const ijk = viewer.pick(x, y, now.tile, true);
    if (!ijk) return;
    const { shape } = studio.session;
    hand.extend(ijk.map((value, axis) => Math.min(Math.max(value, 0), shape[axis]! - 1)) as Ijk);
  }

  function click(ended: Drag, x: number, y: number): void {
    const ijk = viewer.pick(x, y, ended.tile);
    if (!ijk) return;
    if (studio.state.tool === "point") hand.point(ijk, ended.positive);
    else if (ended.what === "click") studio.lookAt(ijk);
  }
}
