// The studio: opens sessions, and connects the viewer, the page's state and the server.

import { type Api, RequestError, tokenIn } from "../api/client";
import type { Ijk, Session, Source } from "../api/types";
import { palette } from "../view/layers";
import type { LayoutName } from "../view/layouts";
import { Viewer } from "../view/viewer";
import type { WindowPreset } from "../view/window";
import { Actions } from "./actions";
import { Comparison } from "./comparison";
import { type State, Store, type Theme } from "./store";
import { Sync } from "./sync";

export const CURRENT_MASK_COLOR = "#ff5fa2"; // no bone has it
const LOOK_AFTER_MS = 150;
const RETRY_MS = 2000;
const THEME_KEY = "anybone-theme";

/** The page's model: everything that input and user interface call. */
export class Studio {
  readonly store = new Store();
  readonly viewer = new Viewer();
  comparison: Comparison;
  readonly sync: Sync;
  private readonly actions: Actions;
  private looking: ReturnType<typeof setTimeout> | undefined;
  private clicked = 0;

  constructor(readonly api: Api) {
    this.sync = new Sync(api, this.store, this.viewer, () => this.afterChange());
    this.actions = new Actions(api, this.store, this.sync, (error) => this.fail(error));
    this.comparison = new Comparison(api, this.viewer);
    this.viewer.masksChanged = () => this.comparison.showMasks();
    this.setTheme((localStorage.getItem(THEME_KEY) as Theme | null) ?? "dark");
  }

  get state(): State {
    return this.store.state;
  }

  /** The open session; only for callers that know that one is open. */
  get session(): Session {
    return this.state.session!;
  }

  // --- opening ---
  /** Ask the server what it is, and open the session of the address or the image that the server was started with. */
  async begin(): Promise<void> {
    try {
      const info = await this.api.info();
      this.store.set({ info, connection: "connected", phase: "start" });
      const id = new URLSearchParams(location.hash.slice(1)).get("session");
      if (id && (await this.reopen(id))) return;
      if (info.open) await this.open({ path: info.open, resume: true });
      else await this.list();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.unreachable) {
        this.store.set({ connection: "reconnecting" });
        setTimeout(() => void this.begin(), RETRY_MS);
      } else if (error.unauthorized) this.store.set({ phase: "locked", connection: "unauthorized" });
      else this.fail(error);
    }
  }

  /** Use the token of an address that was pasted, and connect again; return whether there was one. */
  async useToken(text: string): Promise<boolean> {
    const token = tokenIn(text);
    if (!token) return false;
    this.api.useToken(token);
    const { session } = this.state;
    if (session) this.sync.follow(session.id);
    else await this.begin();
    return true;
  }

  /** Show what can be opened. */
  showOpen(): void {
    this.store.set({ dialog: { kind: "open" } });
    void this.list().catch((error) => this.fail(error));
  }

  /** List the sessions that can be resumed. */
  async list(): Promise<void> {
    this.store.set({ rows: await this.api.sessions() });
  }

  /** Open an image. */
  async open(source: Partial<Source>): Promise<void> {
    const before = this.state.phase;
    const text = this.state.info?.ready === false ? "Reading the image and the weights" : "Reading the image";
    this.store.set({ phase: "loading", loading: { text, fraction: null }, dialog: null });
    try {
      const result = await this.api.open({ resume: false, ...source });
      if ("series" in result) {
        const { path, upload } = source;
        const from = { ...(path ? { path } : {}), ...(upload ? { upload } : {}) };
        const dialog = { kind: "series" as const, series: result.series, from };
        this.store.set({ phase: before === "loading" ? "start" : before, dialog });
        return;
      }
      await this.enter(result);
    } catch (error) {
      this.store.set({ phase: this.state.session ? "ready" : "start" });
      this.fail(error);
      if (!this.state.session) await this.list().catch(() => undefined);
    }
  }

  /** Open an image of the served folder; where there are sessions on it, ask whether to resume one. */
  async choose(path: string): Promise<void> {
    const rows = await this.api.sessions().then(
      (all) => all.filter((row) => row.path === path),
      () => [],
    );
    if (rows.length) this.store.set({ dialog: { kind: "resume", path, rows } });
    else await this.open({ path });
  }

  /** Resume a session; return whether it could be. */
  async reopen(id: string): Promise<boolean> {
    this.store.set({ phase: "loading", loading: { text: "Restoring the session", fraction: null }, dialog: null });
    try {
      await this.enter(await this.api.session(id));
      return true;
    } catch (error) {
      this.store.set({ phase: this.state.session ? "ready" : "start" });
      this.fail(error);
      return false;
    }
  }

  /** Upload files and open them. */
  async upload(files: readonly { file: File; path: string }[]): Promise<void> {
    if (!files.length) return;
    const text = `Uploading ${files.length === 1 ? files[0]!.path : `${files.length} files`}`;
    this.store.set({ phase: "loading", loading: { text, fraction: null }, dialog: null });
    try {
      const { upload } = await this.api.upload(files);
      await this.open({ upload });
    } catch (error) {
      this.store.set({ phase: this.state.session ? "ready" : "start" });
      this.fail(error);
    }
  }

  private async enter(session: Session): Promise<void> {
    this.sync.end();
    const report = (fraction: number | null, text = "Loading the image"): void =>
      this.store.set({ loading: { text, fraction } });
    report(0);
    const image = await this.api.image(session.id, report);
    report(null, "Drawing the image");
    await this.viewer.load(image, session);
    await this.compareWith(null);
    this.store.set({
      ...{ session, hidden: new Set<number>(), selected: new Set<number>(), pending: [], queued: [], stroke: null },
      ...{ rows: null, dialog: null, window: this.viewer.window, crosshair: this.viewer.crosshair, zoom: 1 },
    });
    location.replace(`#session=${session.id}`);
    document.title = `${session.name} - anybone studio`;
    this.viewer.setMaskStyle(this.state.overlay);
    await this.sync.layers(session.id);
    this.lookAt(firstView(session));
    this.store.set({ phase: "ready" });
    this.sync.follow(session.id);
  }

  // --- actions on the session ---
  /** Do an action after those before it; return whether it was done. */
  act(verb: string, body: object = {}, { clicked = false } = {}): Promise<boolean> {
    const began = performance.now();
    return this.actions.do(verb, body, () => {
      if (clicked) this.clicked = began;
    });
  }

  /** Show an error. */
  fail(error: unknown): void {
    if (error instanceof RequestError && error.unauthorized) {
      this.store.set({ connection: "unauthorized" });
      return;
    }
    if (error instanceof RequestError && error.unreachable) this.store.set({ connection: "reconnecting" });
    this.store.notify("error", error instanceof Error ? error.message : String(error));
    if (!(error instanceof RequestError)) console.error(error);
  }

  private afterChange(): void {
    this.colors();
    if (this.state.overlay.heat) void this.heat(true);
    const began = this.clicked;
    if (!began) return;
    this.clicked = 0;
    this.viewer.drawNow();
    this.viewer.finish();
    requestAnimationFrame(() => {
      const { duration } = performance.measure("anybone:click-to-mask", { start: began, end: performance.now() });
      this.store.set({ latencyMs: duration });
    });
  }

  // --- view ---
  /** Move the crosshair to a voxel. */
  lookAt(ijk: ArrayLike<number>): void {
    const { axis, id } = this.session;
    const before = this.viewer.crosshair[axis];
    this.viewer.lookAt(ijk);
    const crosshair = this.viewer.crosshair;
    this.store.set({ crosshair });
    if (this.state.compared) this.comparison.follow();
    if (crosshair[axis] === before) return;
    if (this.state.overlay.heat) void this.heat(true);
    clearTimeout(this.looking);
    this.looking = setTimeout(() => void this.api.look(id, crosshair[axis]).catch(() => undefined), LOOK_AFTER_MS);
  }

  /** Move by slices along the acquisition axis, or along another one. */
  step(by: number, axis: number = this.session.axis): void {
    const ijk = [...this.state.crosshair];
    ijk[axis]! += by;
    this.lookAt(ijk);
  }

  /** Move to a slice. */
  goTo(slice: number): void {
    this.step(slice - this.state.crosshair[this.session.axis]!);
  }

  setLayout(layout: LayoutName): void {
    this.store.set({ layout });
    this.viewer.layout(layout);
  }

  setOverlay(change: Partial<State["overlay"]>): void {
    const overlay = { ...this.state.overlay, ...change };
    this.store.set({ overlay });
    this.viewer.setMaskStyle(overlay);
    if (this.state.compared) this.comparison.viewer.setMaskStyle(overlay);
    if (change.heat !== undefined) void this.heat(change.heat);
  }

  setWindow(low: number, high: number): void {
    this.viewer.setWindow(low, high);
    this.store.set({ window: { low, high } });
  }

  /** Set the window of a preset. */
  setWindowPreset(preset: WindowPreset): void {
    const { low, high } = this.viewer.windowOf(preset);
    this.setWindow(low, high);
  }

  /** Change the window as a drag over so many pixels does. */
  windowBy(dx: number, dy: number): void {
    const { low, high } = this.state.window;
    const width = high - low;
    const wide = Math.max(width * Math.exp(dx * 0.006), 1e-3);
    const level = (low + high) / 2 + dy * width * 0.004;
    this.setWindow(level - wide / 2, level + wide / 2);
  }

  setSmooth(smooth: boolean): void {
    this.store.set({ smooth });
    this.viewer.setSmooth(smooth);
  }

  setRadiological(radiological: boolean): void {
    this.store.set({ radiological });
    this.viewer.setRadiological(radiological);
    this.comparison.viewer.setRadiological(radiological);
  }

  setTheme(theme: Theme): void {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(THEME_KEY, theme);
    this.store.set({ theme });
  }

  zoomBy(factor: number, about?: ArrayLike<number>): void {
    this.viewer.zoomBy(factor, about);
    this.store.set({ zoom: this.viewer.zoom });
    if (this.state.compared) this.comparison.follow();
  }

  resetView(): void {
    this.viewer.resetView();
    this.store.set({ zoom: 1 });
    if (this.state.compared) this.comparison.follow();
  }

  /** Select a bone, alone or in addition, and move to its middle slice. */
  selectBone(label: number, add = false): void {
    const selected = new Set(add ? this.state.selected : []);
    if (add && selected.has(label)) selected.delete(label);
    else selected.add(label);
    this.store.set({ selected });
    const bone = this.session.bones.find((one) => one.label === label);
    const [first, last] = bone?.slices ?? [];
    const now = this.state.crosshair[this.session.axis]!;
    if (!add && first !== undefined && last !== undefined && (now < first || now > last))
      this.goTo(Math.round((first + last) / 2));
  }

  setHidden(label: number, hide: boolean): void {
    const hidden = new Set(this.state.hidden);
    if (hide) hidden.add(label);
    else hidden.delete(label);
    this.store.set({ hidden });
    this.colors();
  }

  private colors(): void {
    const table = palette(CURRENT_MASK_COLOR, this.session.bones, this.state.hidden);
    this.viewer.colors(table);
    if (this.state.compared) this.comparison.viewer.colors(table);
  }

  private async heat(on: boolean): Promise<void> {
    const { layers } = this.viewer;
    if (!layers) return;
    const slice = this.state.crosshair[this.session.axis]!;
    if (!on) {
      this.viewer.show(layers.setHeat(null));
      return;
    }
    try {
      const values = await this.api.probability(this.session.id, slice);
      if (this.state.overlay.heat && slice === this.state.crosshair[this.session.axis])
        this.viewer.show(layers.setHeat(slice, values));
    } catch (error) {
      this.setOverlay({ heat: false });
      this.fail(error);
    }
  }

  // --- second series ---
  /** Show a second series next to the image; null removes it. */
  async compareWith(key: string | null): Promise<void> {
    if (key === null) {
      if (!this.state.compared) return;
      this.store.set({ compared: null });
      this.comparison = new Comparison(this.api, this.viewer);
      return;
    }
    const series = this.session.other_series.find((one) => one.key === key);
    this.store.set({ compared: { key, name: series?.description || key } });
    try {
      await this.comparison.load(this.session, key);
      this.comparison.viewer.setMaskStyle(this.state.overlay);
      this.comparison.viewer.setRadiological(this.state.radiological);
      this.colors();
    } catch (error) {
      await this.compareWith(null);
      this.fail(error);
    }
  }
}

/** Return the voxel that is shown first: the middle, on the middle slice of what is marked. */
function firstView(session: Session): Ijk {
  const ijk = session.shape.map((n) => Math.floor(n / 2)) as Ijk;
  const marked = session.mask_slices.length ? session.mask_slices : session.bones.flatMap((bone) => bone.slices);
  if (marked.length) ijk[session.axis] = marked[Math.floor(marked.length / 2)]!;
  return ijk;
}
