// One image on the screen: where its voxels are, what is drawn over it, window, zoom and slice.

import { NVImage } from "@niivue/niivue";
import type { Ijk } from "../api/types";
import { StudioCanvas } from "./canvas";
import {
  type Axis,
  fracToIjk,
  ijkToFrac,
  inside,
  nearest,
  toWorld,
  type Upright,
  uprightOf,
  type Vec3,
  voxelToVoxel,
} from "./geometry";
import { Layers, type Slab } from "./layers";
import { type LayoutName, mosaicOf, type Plane, planeOf, type TileSpec, tilesOf, typeOf } from "./layouts";
import { boxOf, parseNifti, type Voxels } from "./volume";
import { autoWindow, presetWindow, type Window, type WindowPreset } from "./window";

/** A tile on the screen, in CSS pixels; `plane` is null for 3-D, `fixed` its slice where it does not follow the crosshair. */
export interface Tile {
  index: number;
  x: number;
  y: number;
  width: number;
  height: number;
  plane: Plane | null;
  fixed: number | null;
}

/** How masks are drawn. */
export interface MaskStyle {
  shown: boolean;
  opacity: number;
  outline: boolean;
}

/** The grid of an image, and the axis that it was acquired along. */
export interface Subject {
  shape: Ijk;
  affine: number[][];
  axis: Axis;
}

/** A canvas with one image. */
export class Viewer {
  readonly nv = new StudioCanvas();
  layers: Layers | null = null;
  upright: Upright = { axes: [0, 1, 2], flipped: [false, false, false], dims: [1, 1, 1] };
  subject: Subject | null = null;
  crosshair: Ijk = [0, 0, 0];
  /** Called after each picture. */
  drawn: () => void = () => undefined;
  /** Called after the masks changed. */
  masksChanged: () => void = () => undefined;
  private voxels: Voxels | null = null;
  private volume: NVImage | null = null; // the box that the voxels fill
  private name: LayoutName = "main";
  private shown: number[] = [];
  private waiting = 0;
  private held: ReturnType<typeof setTimeout> | undefined;
  private solidStale = true;

  /** Draw on a canvas; needs WebGL 2. */
  async attach(canvas: HTMLCanvasElement): Promise<void> {
    await this.nv.attachToCanvas(canvas, false);
    this.nv.readyShader(2 * (window.devicePixelRatio || 1));
    new ResizeObserver(() => {
      if (this.name === "mosaic") this.layout(this.name);
      this.draw();
    }).observe(canvas.parentElement!);
  }

  /** Show a volume in place of the one before. */
  async load(nifti: ArrayBuffer, subject: Subject): Promise<void> {
    for (const old of [...this.nv.volumes]) this.nv.removeVolume(old);
    this.voxels = parseNifti(nifti);
    this.subject = subject;
    this.volume = await NVImage.loadFromUrl({ url: "box.nii", name: "box.nii", buffer: boxOf(this.voxels) });
    this.nv.customLayout = [];
    this.nv.addVolume(this.volume);
    this.upright = uprightOf(this.volume.permRAS ?? [1, 2, 3], subject.shape);
    this.nv.takeVoxels(this.voxels, this.upright);
    this.layers = new Layers(subject.shape, subject.axis, this.upright, this.nv.drawBitmap!);
    this.nv.shades = autoWindow(this.voxels.data);
    this.solidStale = true;
    this.nv.scene.pan2Dxyzmm = new Float32Array([0, 0, 0, 1]) as unknown as typeof this.nv.scene.pan2Dxyzmm;
    this.lookAt(subject.shape.map((n) => Math.floor(n / 2)) as Ijk);
    this.layout(this.name);
  }

  /** The plane that the slices lie in. */
  get mainPlane(): Plane {
    return this.upright.axes.indexOf(this.subject?.axis ?? 2) as Plane;
  }

  /** The image's value at a voxel. */
  valueAt(ijk: readonly number[]): number | null {
    if (!this.voxels) return null;
    const [ni, nj] = this.voxels.shape;
    const stored = this.voxels.data[ijk[0]! + ni * (ijk[1]! + nj * ijk[2]!)];
    return stored === undefined ? null : this.valueOf(stored);
  }

  // --- drawing ---
  /** Draws at the next chance; several wishes become one. */
  draw(): void {
    if (this.waiting || this.held) return;
    this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  /** Draws no picture until there is something to show, or so long has passed: the processor is for the answer. */
  hold(milliseconds: number): void {
    clearTimeout(this.held);
    this.held = setTimeout(() => this.release(), milliseconds);
  }

  private release(): void {
    clearTimeout(this.held);
    this.held = undefined;
    this.draw();
  }

  /** Draws at once. */
  drawNow(): void {
    clearTimeout(this.held);
    this.held = undefined;
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    if (this.solidStale && this.hasSolid && this.layers) {
      this.nv.smooth();
      this.solidStale = false;
    }
    this.nv.drawScene();
    this.drawn();
  }

  /** Waits until what was drawn is there: to be measured, not to be used otherwise. */
  finish(): void {
    const { gl } = this.nv;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  private get hasSolid(): boolean {
    return this.name === "solid" || this.name === "planes";
  }

  /** Sends what differs to the graphics card and draws. */
  show(slabs: readonly Slab[]): void {
    if (!slabs.length) return;
    if (slabs.length > this.layers!.shape[this.layers!.axis]! / 2) this.nv.sendSlab();
    else for (const { at, size } of slabs) this.nv.sendSlab(at, size);
    this.solidStale = true;
    this.release();
    this.masksChanged();
  }

  /** Show the masks of another viewer's image on the slice that is seen here. */
  showMasksOf(other: Viewer): void {
    if (!this.subject || !this.layers || !other.layers || !other.subject) return;
    const toOther = voxelToVoxel(this.subject.affine, other.subject.affine);
    const { at, size } = this.layers.copySlice(this.crosshair[this.subject.axis], other.layers, toOther);
    this.nv.sendSlab(at, size);
    this.draw();
  }

  /** Set how masks are drawn. */
  setMaskStyle({ shown, opacity, outline }: MaskStyle): void {
    this.nv.drawOpacity = !shown ? 0 : outline ? 0.004 : opacity;
    this.nv.drawRimOpacity = shown ? (outline ? 1 : Math.min(1, opacity + 0.35)) : -1;
    this.draw();
  }

  /** The colors of the color numbers. */
  colors(table: Uint8ClampedArray<ArrayBuffer>): void {
    this.nv.drawLut = { lut: table, labels: [] };
    this.nv.refreshColormaps();
    this.draw();
  }

  /** The intensities that are shown black and white. */
  get window(): Window {
    return this.intensities(this.nv.shades);
  }

  /** Return the intensities of a preset. */
  windowOf(preset: WindowPreset): Window {
    const axis = this.subject!.axis;
    return this.intensities(presetWindow(preset, this.voxels!, axis, this.crosshair[axis]));
  }

  private intensities({ low, high }: Window): Window {
    return { low: this.valueOf(low), high: this.valueOf(high) };
  }

  private valueOf(stored: number): number {
    return stored * (this.voxels?.slope ?? 1) + (this.voxels?.intercept ?? 0);
  }

  /** Shows intensities from low to high. */
  setWindow(low: number, high: number): void {
    const { slope, intercept } = this.voxels ?? { slope: 1, intercept: 0 };
    const stored = (value: number): number => (value - intercept) / slope;
    this.nv.shades = { low: stored(low), high: Math.max(stored(high), stored(low) + 1e-3) };
    this.draw();
  }

  setSmooth(smooth: boolean): void {
    this.nv.setInterpolation(!smooth);
    this.draw();
  }

  setRadiological(on: boolean): void {
    this.nv.opts.isRadiologicalConvention = on;
    this.nv.opts.sagittalNoseLeft = true;
    this.draw();
  }

  // --- where things are ---
  /** Lays the tiles out. */
  layout(name: LayoutName): void {
    this.name = name;
    this.shown = [];
    if (!this.subject) return;
    this.nv.customLayout = (
      name === "mosaic" ? this.mosaic() : tilesOf(name, this.mainPlane)
    ) as typeof this.nv.customLayout;
    this.draw();
  }

  private mosaic(): TileSpec[] {
    const { axis, shape } = this.subject!;
    const { width, height } = this.nv.canvas!;
    const sides = ([0, 1, 2] as Plane[]).filter((plane) => plane !== this.mainPlane);
    const extent = (plane: Plane): number => 2 * (this.volume!.pixDimsRAS![plane + 1] as number);
    const cell = extent(sides[0]!) / extent(sides[1]!);
    const { grid, shown } = mosaicOf(shape[axis]!, width / height / cell);
    this.shown = shown;
    return shown.map((slice, n) => {
      const ijk = [0, 0, 0];
      ijk[axis] = slice;
      const mm = this.ortho(ijkToFrac(ijk, this.upright))[this.mainPlane]!;
      const [w, h] = [1 / grid[0], 1 / grid[1]];
      const position = [(n % grid[0]) * w, Math.floor(n / grid[0]) * h, w - 0.002, h - 0.002] as TileSpec["position"];
      return { sliceType: typeOf(this.mainPlane), position, sliceMM: mm };
    });
  }

  /** The tiles that are on the screen. */
  tiles(): Tile[] {
    const dpr = this.nv.uiData.dpr || 1;
    return this.nv.screenSlices.map((slice, index) => {
      const [x, y, width, height] = slice.leftTopWidthHeight.map((value) => value / dpr) as [
        number,
        number,
        number,
        number,
      ];
      return { index, x, y, width, height, plane: planeOf(slice.axCorSag), fixed: this.shown[index] ?? null };
    });
  }

  /** The tile at a place in CSS pixels. */
  tileAt(x: number, y: number): Tile | null {
    return this.tiles().find((t) => x >= t.x && y >= t.y && x < t.x + t.width && y < t.y + t.height) ?? null;
  }

  /** Voxel indices, not rounded, below a place in CSS pixels; null outside of the image. */
  pick(x: number, y: number, tile: Tile | null = this.tileAt(x, y), anywhere = false): Ijk | null {
    if (!tile || tile.plane === null || !this.subject) return null;
    const slice = this.nv.screenSlices[tile.index]!;
    const mm: Vec3 = [0, 0, 0];
    const [across, up] = acrossUp(tile.plane);
    mm[across] = slice.leftTopMM[0]! + ((x - tile.x) / tile.width) * slice.fovMM[0]!;
    mm[up] = slice.leftTopMM[1]! + (1 - (y - tile.y) / tile.height) * slice.fovMM[1]!;
    const frac = this.unortho(mm);
    frac[tile.plane] = tile.fixed === null ? this.nv.scene.crosshairPos[tile.plane]! : slice.sliceFrac;
    const ijk = fracToIjk(frac, this.upright);
    const axis = this.upright.axes[tile.plane]!;
    ijk[axis] = tile.fixed ?? Math.round(ijk[axis]!);
    return anywhere || inside(ijk, this.subject.shape) ? ijk : null;
  }

  /** Where a voxel is in CSS pixels of a tile, whether or not the tile shows its slice. */
  place(ijk: ArrayLike<number>, tile: Tile): [number, number] {
    const slice = this.nv.screenSlices[tile.index]!;
    const mm = this.ortho(ijkToFrac(ijk, this.upright));
    const [across, up] = acrossUp(tile.plane!);
    return [
      tile.x + ((mm[across]! - slice.leftTopMM[0]!) / slice.fovMM[0]!) * tile.width,
      tile.y + (1 - (mm[up]! - slice.leftTopMM[1]!) / slice.fovMM[1]!) * tile.height,
    ];
  }

  /** The slice that a tile shows, along the source's axis that the tile is cut along. */
  sliceOf(tile: Tile): { axis: Axis; slice: number } {
    const axis = this.upright.axes[tile.plane!]!;
    return { axis, slice: tile.fixed ?? this.crosshair[axis]! };
  }

  /** CSS pixels a millimeter. */
  scale(tile: Tile): number {
    return tile.width / Math.abs(this.nv.screenSlices[tile.index]!.fovMM[0]!);
  }

  /** The direction in RAS+ that a tile's right and bottom edges face. */
  edges(tile: Tile): { right: Vec3; down: Vec3 } {
    const { affine } = this.subject!;
    const toward = (x: number, sign: number): Vec3 => {
      const axis = this.upright.axes[x]!;
      const flip = this.upright.flipped[x] ? -sign : sign;
      return [0, 1, 2].map((r) => affine[r]![axis]! * flip) as Vec3;
    };
    const [across, up] = acrossUp(tile.plane!);
    const fov = this.nv.screenSlices[tile.index]!.fovMM;
    return { right: toward(across, Math.sign(fov[0]!)), down: toward(up, -Math.sign(fov[1]!)) };
  }

  /** RAS+ mm of a voxel. */
  world(ijk: ArrayLike<number>): Vec3 {
    return toWorld(ijk, this.subject!.affine);
  }

  // --- moving ---
  /** Moves the crosshair, and with it the slices. */
  lookAt(ijk: ArrayLike<number>): void {
    if (!this.subject) return;
    this.crosshair = nearest(ijk, this.subject.shape);
    const frac = ijkToFrac(this.crosshair, this.upright);
    this.nv.scene.crosshairPos = new Float32Array(frac) as unknown as typeof this.nv.scene.crosshairPos;
    this.draw();
  }

  get zoom(): number {
    return this.nv.scene.pan2Dxyzmm[3]!;
  }

  /** Zooms by a factor about a voxel, which stays where it is. */
  zoomBy(factor: number, about: ArrayLike<number> = this.crosshair): void {
    const pan = this.nv.scene.pan2Dxyzmm;
    const zoom = Math.min(Math.max(pan[3]! * factor, 0.5), 20);
    const mm = this.ortho(ijkToFrac(about, this.upright));
    for (let a = 0; a < 3; a++) pan[a]! += mm[a]! * (pan[3]! - zoom);
    pan[3] = zoom;
    this.draw();
  }

  /** Moves the image by CSS pixels of a tile. */
  panBy(dx: number, dy: number, tile: Tile): void {
    const slice = this.nv.screenSlices[tile.index]!;
    const [across, up] = acrossUp(tile.plane!);
    const pan = this.nv.scene.pan2Dxyzmm;
    pan[across]! += (dx / tile.width) * slice.fovMM[0]! * pan[3]!;
    pan[up]! -= (dy / tile.height) * slice.fovMM[1]! * pan[3]!;
    this.draw();
  }

  /** All of the image in each tile again. */
  resetView(): void {
    this.nv.scene.pan2Dxyzmm = new Float32Array([0, 0, 0, 1]) as unknown as typeof this.nv.scene.pan2Dxyzmm;
    this.nv.scene.volScaleMultiplier = 1;
    this.draw();
  }

  /** Turns 3-D by CSS pixels. */
  turnBy(dx: number, dy: number): void {
    const { scene } = this.nv;
    scene.renderAzimuth = (scene.renderAzimuth + dx * 0.6) % 360;
    scene.renderElevation = Math.min(Math.max(scene.renderElevation + dy * 0.6, -90), 90);
    this.draw();
  }

  /** Scale the 3-D view by a factor. */
  scaleSolidBy(factor: number): void {
    const { scene } = this.nv;
    scene.volScaleMultiplier = Math.min(Math.max(scene.volScaleMultiplier * factor, 0.5), 6);
    this.draw();
  }

  private ortho(frac: ArrayLike<number>): Vec3 {
    const m = this.volume!.frac2mmOrtho!;
    return [m[0]! * frac[0]! + m[12]!, m[5]! * frac[1]! + m[13]!, m[10]! * frac[2]! + m[14]!];
  }

  private unortho(mm: ArrayLike<number>): Vec3 {
    const m = this.volume!.frac2mmOrtho!;
    return [(mm[0]! - m[12]!) / m[0]!, (mm[1]! - m[13]!) / m[5]!, (mm[2]! - m[14]!) / m[10]!];
  }
}

/** The axes, of x, y and z, that run across a tile and up. */
function acrossUp(plane: Plane): [number, number] {
  return plane === 0 ? [1, 2] : plane === 1 ? [0, 2] : [0, 1];
}
