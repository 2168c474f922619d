// The page's state, in one place, with one way to change it.

import type { Ijk, Info, Prompt, Series, Session, SessionRow } from "../api/types";
import type { LayoutName } from "../view/layouts";
import type { Stroke } from "../view/overlay";

export type ToolName = "look" | "point" | "box" | "scribble" | "lasso" | "brush" | "eraser";
export type Theme = "dark" | "light";

/** The connection to the server; `unauthorized`: it runs, but with another token. */
export type Connection = "connected" | "reconnecting" | "unauthorized";

export type Dialog =
  | { kind: "help" }
  | { kind: "open" }
  | { kind: "resume"; path: string; rows: SessionRow[] }
  | { kind: "series"; series: Series[]; from: { path?: string; upload?: string } }
  | { kind: "commit" }
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
  loading: { text: string; fraction: number | null };
  session: Session | null;
  /** The number of requests under way. */
  busy: number;
  connection: Connection;
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
  theme: Theme;
  /** The second series that is compared with. */
  compared: { key: string; name: string } | null;
  /** Points that were set by keyboard and are not sent yet. */
  pending: Ijk[];
  /** Prompts that the server has not processed yet; while a job runs they wait for its end. */
  queued: Prompt[];
  stroke: Stroke | null;
  /** The voxel under the pointer, and the index of its tile. */
  hover: { tile: number; ijk: Ijk } | null;
  dialog: Dialog | null;
  notices: Notice[];
  /** Milliseconds from the last click to its mask on the screen. */
  latencyMs: number | null;
}

export const INITIAL: State = {
  info: null,
  rows: null,
  phase: "start",
  loading: { text: "", fraction: null },
  session: null,
  busy: 0,
  connection: "connected",
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
  theme: "dark",
  compared: null,
  pending: [],
  queued: [],
  stroke: null,
  hover: null,
  dialog: null,
  notices: [],
  latencyMs: null,
};

const SHOWN_MS: Record<Notice["kind"], number> = { done: 6000, error: 15_000 };
const MOST_NOTICES = 3;

/** Holds the state and calls subscribers after each change. */
export class Store {
  private current: State = INITIAL;
  private readonly listeners = new Set<() => void>();

  get state(): State {
    return this.current;
  }

  /** Change parts of the state. */
  set(change: Partial<State> | ((state: State) => Partial<State>)): void {
    const parts = typeof change === "function" ? change(this.current) : change;
    this.current = { ...this.current, ...parts };
    for (const listener of [...this.listeners]) listener();
  }

  /** Call a function after each change; return the function that ends it. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Show a message; it disappears by itself. */
  notify(kind: Notice["kind"], text: string): void {
    const id = Math.max(0, ...this.current.notices.map((one) => one.id)) + 1;
    const rest = this.current.notices.filter((one) => one.text !== text).slice(1 - MOST_NOTICES);
    this.set({ notices: [...rest, { id, kind, text }] });
    setTimeout(() => this.dismiss(id), SHOWN_MS[kind]);
  }

  dismiss(id: number): void {
    if (!this.current.notices.some((one) => one.id === id)) return;
    this.set(({ notices }) => ({ notices: notices.filter((one) => one.id !== id) }));
  }
}
