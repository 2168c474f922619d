// The studio: opens sessions, does verbs one after another, and holds viewer, state and server together.

import { Refused, type Api } from "./api";
import { toVoxel } from "./geometry";
import { palette } from "./layers";
import { Store, type State } from "./state";
import { Sync } from "./sync";
import type { Change, Ijk, Job, Session } from "./types";
import type { LayoutName } from "./view/layouts";
import { Viewer } from "./view/viewer";
import { parseNifti } from "./view/volume";

export const ANSWER_COLOR = "#ff5fa2"; // no bone has it
const LOOK_AFTER_MS = 150;

export type Source = { path?: string; upload?: string; series?: string; resume?: boolean };

/** The page's one object of this kind. */
export class Studio {
  readonly store = new Store();
  readonly viewer = new Viewer();
  beside = new Viewer();
  readonly sync: Sync;
  /** The window that the image was opened with. */
  firstWindow = { low: 0, high: 1 };
  /** Draws the lines over the image anew. */
  handMoved: () => void = () => undefined;
  private besideCanvas: ((canvas: HTMLCanvasElement) => void) | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private looking: ReturnType<typeof setTimeout> | undefined;
  private clicked = 0;

  constructor(readonly api: Api) {
    this.sync = new Sync(api, this.store, this.viewer, () => this.afterChange());
  }

  get state(): State {
    return this.store.state;
  }

  /** The session; only to be asked for where one is open. */
  get session(): Session {
    return this.state.session!;
  }

  // --- beginning ---
  /** Asks what server this is, and opens what was asked for. */
  async begin(): Promise<void> {
    try {
      const info = await this.api.info();
      this.store.set({ info, connected: true });
      const id = new URLSearchParams(location.hash.slice(1)).get("session");
      if (id && (await this.reopen(id))) return;
      if (info.open) return await this.open({ path: info.open, resume: true });
      await this.list();
    } catch (error) {
      const locked = error instanceof Refused && (error.status === 401 || error.status === 403);
      if (locked) this.store.set({ phase: "locked" });
      else {
        this.fail(error);
        if (error instanceof Refused && error.lost) setTimeout(() => void this.begin(), 2000);
      }
    }
  }

  /** Shows what can be opened. */
  showOpen(): void {
    this.store.set({ dialog: { kind: "open" } });
    void this.list().catch((error) => this.fail(error));
  }

  /** Lists the sessions that can be gone on with. */
  async list(): Promise<void> {
    this.store.set({ rows: await this.api.sessions() });
  }

  /** Opens an image. */
  async open(source: Source): Promise<void> {
    const before = this.state.phase;
    const text = this.state.info?.ready === false ? "Reading the image, and the network" : "Reading the image";
    this.store.set({ phase: "loading", loading: { text, share: null }, dialog: null });
    try {
      const answer = await this.api.open(source);
      if ("series" in answer) {
        const { path, upload } = source;
        const from = { ...(path === undefined ? {} : { path }), ...(upload === undefined ? {} : { upload }) };
        this.store.set({ phase: before === "loading" ? "start" : before, dialog: { kind: "series", series: answer.series, from } });
        return;
      }
      await this.enter(answer);
    } catch (error) {
      this.store.set({ phase: this.state.session ? "ready" : "start" });
      this.fail(error);
      if (!this.state.session) await this.list().catch(() => undefined);
    }
  }

  /** Opens an image of the served folder; where there are sessions on it, asks whether to go on with one. */
  async choose(path: string): Promise<void> {
    const rows = await this.api.sessions().then((all) => all.filter((row) => row.path === path), () => []);
    if (rows.length) this.store.set({ dialog: { kind: "resume", path, rows } });
    else await this.open({ path });
  }

  /** Goes on with a session; whether there is one. */
  async reopen(id: string): Promise<boolean> {
    this.store.set({ phase: "loading", loading: { text: "Bringing the session back", share: null }, dialog: null });
    try {
      await this.enter(await this.api.session(id));
      return true;
    } catch (error) {
      this.store.set({ phase: this.state.session ? "ready" : "start" });
      this.fail(error);
      return false;
    }
  }

  /** Uploads files, then opens them. */
  async upload(files: readonly { file: File; path: string }[]): Promise<void> {
    if (!files.length) return;
    this.store.set({ phase: "loading", loading: { text: `Sending ${files.length === 1 ? files[0]!.path : `${files.length} files`}`, share: null }, dialog: null });
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
    this.store.set({ loading: { text: "Loading the image", share: 0 } });
    const told = (share: number): void => this.store.set({ loading: { text: "Loading the image", share } });
    const image = await this.api.image(session.id, told);
    this.store.set({ loading: { text: "Drawing the image", share: null } });
    await this.viewer.load(image, session, true);
    this.store.set({ session, hidden: new Set(), selected: new Set(), pending: [], beside: null, rows: null, dialog: null });
    location.replace(`#session=${session.id}`);
    document.title = `${session.name} - anybone studio`;
    this.firstWindow = this.viewer.window;
    this.store.set({ window: this.firstWindow, crosshair: this.viewer.crosshair, zoom: 1 });
    this.viewer.looks(this.state.overlay);
    await this.sync.layers(session.id);
    this.lookAt(this.firstLook(session));
    this.store.set({ phase: "ready" });
    this.sync.follow(session.id);
  }

  private firstLook(session: Session): Ijk {
    const ijk = session.shape.map((n) => Math.floor(n / 2)) as Ijk;
    const seen = session.answered.length ? session.answered : session.bones.flatMap((bone) => bone.slices);
    if (seen.length) ijk[session.axis] = seen[Math.floor(seen.length / 2)]!;
    return ijk;
  }

  // --- verbs ---
  /** Does a verb after those before it; what it changed is then on the screen. */
  act(verb: string, body: object = {}, { clicked = false } = {}): Promise<boolean> {
    const began = performance.now();
    const id = this.session.id;
    this.store.set(({ busy }) => ({ busy: busy + 1 }));
    const turn = this.queue.then(async () => {
      try {
        const answer: Change | Job = await this.api.verb(id, verb, body);
        if (this.state.session?.id !== id) return false;
        if (clicked) this.clicked = began;
        if ("changed" in answer) this.sync.take(answer);
        else this.sync.progress(answer);
        return true;
      } catch (error) {
        this.fail(error);
        return false;
      } finally {
        this.store.set(({ busy }) => ({ busy: busy - 1 }));
      }
    });
    this.queue = turn;
    return turn;
  }

  /** Tells of an error, with its next move. */
  fail(error: unknown): void {
    if (error instanceof Refused && error.lost) this.store.set({ connected: false });
    this.store.notify("error", error instanceof Error ? error.message : String(error));
    if (!(error instanceof Refused)) console.error(error);
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

  // --- looking ---
  /** Moves the crosshair to a voxel. */
  lookAt(ijk: ArrayLike<number>): void {
    const { axis } = this.session;
    const before = this.viewer.crosshair[axis];
    this.viewer.lookAt(ijk);
    const crosshair = this.viewer.crosshair;
    this.store.set({ crosshair });
    if (this.state.beside) this.follow();
    if (crosshair[axis] === before) return;
    if (this.state.overlay.heat) void this.heat(true);
    clearTimeout(this.looking);
    this.looking = setTimeout(() => {
      const { id } = this.session;
      void this.api.fetch(`/api/sessions/${id}/look`, { method: "POST", body: JSON.stringify({ slice: crosshair[axis] }), headers: { "Content-Type": "application/json" } }).catch(() => undefined);
    }, LOOK_AFTER_MS);
  }

  /** Moves by slices along the scan, or along an axis. */
  step(by: number, axis: number = this.session.axis): void {
    const ijk = [...this.state.crosshair];
    ijk[axis]! += by;
    this.lookAt(ijk);
  }

  /** Looks at a slice of the scan. */
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
    this.viewer.looks(overlay);
    if (change.heat !== undefined) void this.heat(change.heat);
  }

  setWindow(low: number, high: number): void {
    this.viewer.setWindow(low, high);
    this.store.set({ window: { low, high } });
  }

  /** Changes the window as a drag over so many pixels does. */
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
    this.beside.setRadiological(radiological);
  }

  zoomBy(factor: number, about?: ArrayLike<number>): void {
    this.viewer.zoomBy(factor, about);
    this.store.set({ zoom: this.viewer.zoom });
    if (this.state.beside) this.follow();
  }

  resetView(): void {
    this.viewer.resetView();
    this.store.set({ zoom: 1 });
    if (this.state.beside) this.follow();
  }

  /** Selects a bone, alone or with those that are, and looks at its middle. */
  selectBone(label: number, add = false): void {
    const selected = new Set(add ? this.state.selected : []);
    if (add && selected.has(label)) selected.delete(label);
    else selected.add(label);
    this.store.set({ selected });
    const bone = this.session.bones.find((one) => one.label === label);
    const [first, last] = bone?.slices ?? [];
    const now = this.state.crosshair[this.session.axis]!;
    if (!add && first !== undefined && last !== undefined && (now < first || now > last)) this.goTo(Math.round((first + last) / 2));
  }

  /** Shows a bone or hides it. */
  setHidden(label: number, hide: boolean): void {
    const hidden = new Set(this.state.hidden);
    if (hide) hidden.add(label);
    else hidden.delete(label);
    this.store.set({ hidden });
    this.colors();
  }

  /** Draws the colors of the bones as they are now. */
  colors(): void {
    this.viewer.colors(palette(ANSWER_COLOR, this.session.bones, this.state.hidden));
  }

  private async heat(on: boolean): Promise<void> {
    const { layers } = this.viewer;
    if (!layers) return;
    const slice = this.state.crosshair[this.session.axis]!;
    if (!on) return this.viewer.show(layers.setHeat(null));
    try {
      const values = await this.api.probability(this.session.id, slice);
      if (this.state.overlay.heat && slice === this.state.crosshair[this.session.axis]) this.viewer.show(layers.setHeat(slice, values));
    } catch (error) {
      this.setOverlay({ heat: false });
      this.fail(error);
    }
  }

  // --- a second series ---
  /** Shows another series beside this one; null takes it away. */
  async showBeside(key: string | null): Promise<void> {
    if (key === null) {
      this.store.set({ beside: null });
      this.beside = new Viewer();
      return;
    }
    const series = this.session.other_series.find((one) => one.key === key);
    const canvas = this.state.beside ? null : new Promise<HTMLCanvasElement>((ready) => (this.besideCanvas = ready));
    this.store.set({ beside: { name: series?.description ?? key } });
    try {
      if (canvas) await this.beside.attach(await canvas);
      const image = await this.api.image(this.session.id, () => undefined, key);
      const { shape, affine } = parseNifti(image);
      const axis = nearestAxis(affine, this.session.affine, this.session.axis);
      await this.beside.load(image, { shape, affine, axis }, false);
      this.beside.layout("single");
      this.follow();
    } catch (error) {
      this.store.set({ beside: null });
      this.fail(error);
    }
  }

  /** Hands over the canvas of the second series, once it is on the page. */
  besideReady(canvas: HTMLCanvasElement): void {
    this.besideCanvas?.(canvas);
  }

  private follow(): void {
    const { subject } = this.beside;
    if (!subject) return;
    this.beside.lookAt(toVoxel(this.viewer.world(this.viewer.crosshair), subject.affine));
    this.beside.resetView();
    if (this.viewer.zoom !== 1) this.beside.zoomBy(this.viewer.zoom);
  }
}

/** The axis of one volume that runs most as an axis of another. */
function nearestAxis(affine: number[][], other: number[][], axis: number): 0 | 1 | 2 {
  const along = ([0, 1, 2] as const).map((a) => {
    const dot = [0, 1, 2].reduce((sum, r) => sum + affine[r]![a]! * other[r]![axis]!, 0);
    return Math.abs(dot) / Math.hypot(...[0, 1, 2].map((r) => affine[r]![a]!));
  });
  return along.indexOf(Math.max(...along)) as 0 | 1 | 2;
}
