// All that the page knows, in one place, with one way to change it.

import type { Ijk, Info, Series, Session, SessionRow } from "./types";
import type { LayoutName } from "./view/layouts";

export type ToolName = "look" | "point" | "box" | "scribble" | "lasso" | "brush" | "eraser";

export type Dialog =
  | { kind: "help" }
  | { kind: "open" }
  | { kind: "resume"; path: string; rows: SessionRow[] }
  | { kind: "series"; series: Series[]; from: { path?: string; upload?: string } }
  | { kind: "accept" }
  | { kind: "rename"; label: number }
  | { kind: "save" }
  | { kind: "range"; verb: "automatic" | "propagate" | "interpolate" };

export interface Notice {
  id: number;
  kind: "error" | "done";
  text: string;
}

export interface State {
  info: Info | null;
  rows: SessionRow[] | null;
  phase: "start" | "loading" | "ready" | "locked";
  loading: { text: string; share: number | null };
  session: Session | null;
  /** How many requests are under way. */
  busy: number;
  connected: boolean;
  tool: ToolName;
  layout: LayoutName;
  crosshair: Ijk;
  zoom: number;
  window: { low: number; high: number };
  overlay: { shown: boolean; opacity: number; outline: boolean; heat: boolean };
  hidden: ReadonlySet<number>;
  selected: ReadonlySet<number>;
  brushMm: number;
  smooth: boolean;
  radiological: boolean;
  beside: { name: string } | null;
  /** Corners or vertices that were set by keyboard, and wait for the rest. */
  pending: Ijk[];
  dialog: Dialog | null;
  notices: Notice[];
  /** Milliseconds from the last click to its mask on the screen. */
  latencyMs: number | null;
}

export const INITIAL: State = {
  info: null,
  rows: null,
  phase: "start",
  loading: { text: "", share: null },
  session: null,
  busy: 0,
  connected: true,
  tool: "point",
  layout: "main",
  crosshair: [0, 0, 0],
  zoom: 1,
  window: { low: 0, high: 1 },
  overlay: { shown: true, opacity: 0.4, outline: false, heat: false },
  hidden: new Set(),
  selected: new Set(),
  brushMm: 4,
  smooth: true,
  radiological: true,
  beside: null,
  pending: [],
  dialog: null,
  notices: [],
  latencyMs: null,
};

/** Holds the state; whoever subscribed is told after each change. */
export class Store {
  private now: State = INITIAL;
  private readonly listeners = new Set<() => void>();

  get state(): State {
    return this.now;
  }

  /** Changes parts of the state. */
  set(change: Partial<State> | ((state: State) => Partial<State>)): void {
    const parts = typeof change === "function" ? change(this.now) : change;
    this.now = { ...this.now, ...parts };
    for (const listener of [...this.listeners]) listener();
  }

  /** Calls back after each change, until what is returned is called. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Says something to the person. */
  notify(kind: Notice["kind"], text: string): void {
    const id = Math.max(0, ...this.now.notices.map((one) => one.id)) + 1;
    const rest = this.now.notices.filter((one) => one.text !== text).slice(-2);
    this.set({ notices: [...rest, { id, kind, text }] });
    if (kind === "done") setTimeout(() => this.dismiss(id), 6000);
  }

  dismiss(id: number): void {
    this.set(({ notices }) => ({ notices: notices.filter((one) => one.id !== id) }));
  }
}
