// Mouse, pen and touch on the image.

import type { Ijk } from "../api/types";
import type { Studio } from "../session/studio";
import type { Tile, Viewer } from "../view/viewer";
import type { Tools } from "./tools";

type Action = "window" | "pan" | "rotate" | "crosshair" | "stroke" | "click";

interface Drag {
  action: Action;
  tile: Tile;
  x: number;
  y: number;
  moved: boolean;
  positive: boolean;
}

const CLICK_RADIUS_PX = 4; // a pointer that moves less has clicked
const WHEEL_NOTCH = 100; // deltaY of one notch of a mouse's wheel
const TOUCHPAD_STEP = 40; // deltaY of a touchpad for one slice

/** Turns pointer events on an element over the image into clicks, strokes and changes of the view. */
export class PointerController {
  private drag: Drag | null = null;
  private wheelRest = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly studio: Studio,
    private readonly tools: Tools,
  ) {
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", () => this.cancel());
    element.addEventListener("pointerleave", () => studio.store.set({ hover: null }));
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("dblclick", (event) => this.doubleClick(event));
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  private get viewer(): Viewer {
    return this.studio.viewer;
  }

  /** Return the place of an event in CSS pixels of the element. */
  private place(event: MouseEvent): [number, number] {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private down(event: PointerEvent): void {
    const [x, y] = this.place(event);
    const tile = this.viewer.tileAt(x, y);
    if (!this.studio.state.session || !tile) return;
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    const positive = !(event.button === 2 || event.altKey || event.shiftKey);
    this.drag = { action: this.actionOf(event, tile), tile, x, y, moved: false, positive };
    const ijk = this.viewer.pick(x, y, tile);
    if (this.drag.action === "crosshair" && ijk) this.studio.lookAt(ijk);
    if (this.drag.action === "stroke" && !(ijk && this.tools.begin(tile, ijk, positive))) this.drag = null;
  }

  private actionOf(event: PointerEvent, tile: Tile): Action {
    if (tile.plane === null) return "rotate";
    if (event.button === 1) return "pan";
    if (event.ctrlKey || event.metaKey) return "window";
    if (event.button === 2) return this.tools.hasNegativeStroke ? "stroke" : "window";
    if (this.studio.state.tool === "look") return event.shiftKey ? "pan" : "crosshair";
    return this.tools.drawsStrokes ? "stroke" : "click";
  }

  private move(event: PointerEvent): void {
    const [x, y] = this.place(event);
    if (this.drag) {
      this.continueDrag(this.drag, x, y);
      return;
    }
    const tile = this.viewer.tileAt(x, y);
    const ijk = tile && this.studio.state.session ? this.viewer.pick(x, y, tile) : null;
    this.studio.store.set({ hover: tile && ijk ? { tile: tile.index, ijk } : null });
  }

  private continueDrag(drag: Drag, x: number, y: number): void {
    const [dx, dy] = [x - drag.x, y - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < CLICK_RADIUS_PX && drag.action !== "stroke") return;
    drag.moved = true;
    if (drag.action === "click") return;
    if (drag.action === "stroke") {
      this.extendStroke(drag.tile, x, y);
      return;
    }
    [drag.x, drag.y] = [x, y];
    if (drag.action === "rotate") this.viewer.turnBy(dx, dy);
    else if (drag.action === "pan") this.viewer.panBy(dx, dy, drag.tile);
    else if (drag.action === "window") this.studio.windowBy(dx, dy);
    else {
      const ijk = this.viewer.pick(x, y, drag.tile);
      if (ijk) this.studio.lookAt(ijk);
    }
  }

  private extendStroke(tile: Tile, x: number, y: number): void {
    const ijk = this.viewer.pick(x, y, tile, true);
    if (!ijk) return;
    const { shape } = this.studio.session;
    this.tools.extend(ijk.map((value, axis) => Math.min(Math.max(value, 0), shape[axis]! - 1)) as Ijk);
  }

  private up(event: PointerEvent): void {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (drag.action === "stroke") {
      this.tools.end();
      return;
    }
    if (drag.moved || (drag.action !== "click" && drag.action !== "window")) return;
    const ijk = this.viewer.pick(...this.place(event), drag.tile);
    if (!ijk) return;
    if (this.studio.state.tool === "point") this.tools.point(ijk, drag.positive);
    else if (drag.action === "click") this.studio.lookAt(ijk);
  }

  private cancel(): void {
    if (this.drag?.action === "stroke") this.tools.drop();
    this.drag = null;
  }

  private doubleClick(event: MouseEvent): void {
    const slice = this.viewer.tileAt(...this.place(event))?.fixed ?? null;
    if (slice === null) return;
    this.studio.goTo(slice);
    this.studio.setLayout("main");
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const [x, y] = this.place(event);
    const tile = this.viewer.tileAt(x, y);
    if (!this.studio.state.session || !tile) return;
    if (tile.plane === null) this.viewer.scaleSolidBy(Math.exp(-event.deltaY * 0.002));
    else if (event.ctrlKey || event.metaKey) {
      const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.06 : 0.003));
      this.studio.zoomBy(factor, this.viewer.pick(x, y, tile) ?? undefined);
    } else this.scroll(event, tile);
  }

  private scroll(event: WheelEvent, tile: Tile): void {
    const isNotch = Boolean(event.deltaMode) || Math.abs(event.deltaY) >= WHEEL_NOTCH;
    this.wheelRest += event.deltaMode ? 0 : event.deltaY;
    const steps = isNotch ? Math.sign(event.deltaY) : Math.trunc(this.wheelRest / TOUCHPAD_STEP);
    if (!steps) return;
    this.wheelRest = 0;
    this.studio.step(steps, this.viewer.upright.axes[tile.plane!]!);
  }
}
