// NiiVue as the studio uses it: it draws, and leaves mouse, keys, letters and crosshair to the studio.

import { Niivue, SHOW_RENDER, type SLICE_TYPE } from "@niivue/niivue";
import type { Upright } from "./geometry";
import { sliceShader } from "./shader";
import { halves, planesOf, type Voxels } from "./volume";

const SLAB_VOXELS = 8_000_000; // sent to the graphics card at once
const SMOOTH = 1; // voxels over which surfaces in 3-D are evened

type Tile = number[];

/** A NiiVue whose slices fill their tiles whatever the zoom, with 3-D of the bones by themselves. */
export class StudioCanvas extends Niivue {
  /** Stored numbers that are black and white. */
  shades = { low: 0, high: 1 };
  private aspect = 0;
  private size: readonly number[] = [2, 2, 2];
  /** Voxels between samples along a ray in 3-D: more than one where there is no graphics card. */
  private stride = 1;

  constructor() {
    super({
      interactive: false,
      dragAndDropEnabled: false,
      isOrientationTextVisible: false,
      isOrientCube: true,
      crosshairWidth: 0,
      show3Dcrosshair: false,
      isNearestInterpolation: false,
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      multiplanarShowRender: SHOW_RENDER.NEVER,
      backColor: [0, 0, 0, 1],
      logLevel: "error",
      loadingText: "",
      maxDrawUndoBitmaps: 1,
      isSliceMM: false,
    });
  }

  override calculateWidthHeight(_type: number, _scale: number[], width: number, height: number): [number, number] {
    return [width, height];
  }

  override draw2DMain(tile: Tile, plane: SLICE_TYPE, mm?: number): void {
    this.aspect = tile[2]! / tile[3]!;
    const shader = this.customSliceShader;
    if (shader) {
      shader.use(this.gl);
      this.gl.uniform2f(shader.uniforms.shades as WebGLUniformLocation, this.shades.low, this.shades.high);
    }
    super.draw2DMain(tile, plane, mm);
    this.aspect = 0;
  }

  /** The field of view of a plane, widened to the shape of the tile that it is drawn in. */
  override screenFieldOfViewExtendedVox(plane = 0): ReturnType<Niivue["screenFieldOfViewExtendedVox"]> {
    const view = super.screenFieldOfViewExtendedVox(plane);
    if (this.aspect > 0 && Number.isFinite(this.aspect)) {
      const grow = [0, 1].map((a) => {
        const size = view.fovMM[a] as number;
        const other = view.fovMM[1 - a] as number;
        return Math.max(0, (a === 0 ? other * this.aspect : other / this.aspect) - size) / 2;
      });
      [0, 1].forEach((a) => {
        view.mnMM[a]! -= grow[a]!;
        view.mxMM[a]! += grow[a]!;
        view.fovMM[a]! += 2 * grow[a]!;
      });
    }
    return view;
  }

  override draw3D(...given: Parameters<Niivue["draw3D"]>): ReturnType<Niivue["draw3D"]> {
    const opacity = this.drawOpacity;
    this.drawOpacity = 1;
    this.showBonesOnly();
    try {
      return super.draw3D(...given);
    } finally {
      this.drawOpacity = opacity;
    }
  }

  /** Sends a box of the drawing to the graphics card, and nothing else. */
  sendSlab(at: readonly number[] = [0, 0, 0], size: readonly number[] = this.size): void {
    const { gl } = this;
    const dims = this.size;
    gl.activeTexture(gl.TEXTURE7);
    gl.bindTexture(gl.TEXTURE_3D, this.drawTexture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const skip = [gl.UNPACK_SKIP_PIXELS, gl.UNPACK_SKIP_ROWS, gl.UNPACK_SKIP_IMAGES];
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, dims[0]!);
    gl.pixelStorei(gl.UNPACK_IMAGE_HEIGHT, dims[1]!);
    skip.forEach((name, a) => gl.pixelStorei(name, at[a]!));
    gl.texSubImage3D(
      gl.TEXTURE_3D,
      0,
      at[0]!,
      at[1]!,
      at[2]!,
      size[0]!,
      size[1]!,
      size[2]!,
      gl.RED,
      gl.UNSIGNED_BYTE,
      this.drawBitmap,
    );
    [gl.UNPACK_ROW_LENGTH, gl.UNPACK_IMAGE_HEIGHT, ...skip].forEach((name) => gl.pixelStorei(name, 0));
  }

  /** Puts the voxels of an image in place of NiiVue's own, and an empty drawing of the same size over them. */
  takeVoxels(voxels: Voxels, upright: Upright): void {
    const { gl } = this;
    const [nx, ny, nz] = (this.size = upright.dims) as [number, number, number];
    gl.deleteTexture(this.volumeTexture);
    this.volumeTexture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_3D, this.volumeTexture);
    for (const name of [gl.TEXTURE_WRAP_R, gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
      gl.texParameteri(gl.TEXTURE_3D, name, gl.CLAMP_TO_EDGE);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texStorage3D(gl.TEXTURE_3D, 1, gl.R16F, nx, ny, nz);
    const table = halves();
    const planes = Math.max(1, Math.floor(SLAB_VOXELS / (nx * ny)));
    for (let z = 0; z < nz; z += planes) {
      const count = Math.min(planes, nz - z);
      gl.texSubImage3D(
        gl.TEXTURE_3D,
        0,
        0,
        0,
        z,
        nx,
        ny,
        count,
        gl.RED,
        gl.HALF_FLOAT,
        planesOf(voxels, upright, z, count, table),
      );
    }
    if (gl.getError() === gl.OUT_OF_MEMORY) throw new Error("The graphics card has not enough memory for this image");
    this.updateInterpolation(0);
    this.drawTexture = this.r8Tex(this.drawTexture, gl.TEXTURE7, [3, nx, ny, nz], false);
    this.drawBitmap = new Uint8Array(nx * ny * nz);
    this.clickToSegmentGrowingBitmap = null;
  }

  /** Evens the drawing's surfaces for 3-D; takes as long as the volume is large. */
  smooth(): void {
    this.opts.smoothDrawing = SMOOTH;
    this.blurDrawingGL([3, ...this.size]);
    this.gl.viewport(0, 0, this.gl.canvas.width, this.gl.canvas.height);
  }

  /** Has slices drawn by the studio's shader: its window costs nothing, its outlines are so many pixels wide. */
  readyShader(outlinePixels: number): void {
    this.setCustomSliceShader(sliceShader(outlinePixels));
    const { gl } = this;
    const facts = gl.getExtension("WEBGL_debug_renderer_info");
    const name = String(gl.getParameter(facts?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
    this.stride = /swiftshader|llvmpipe|software/i.test(name) ? 2 : 1;
  }

  private showBonesOnly(): void {
    const shader = this.renderShader;
    if (!shader) return;
    shader.use(this.gl);
    this.gl.uniform1f(shader.uniforms.backOpacity as WebGLUniformLocation, 0);
    this.gl.uniform3fv(
      shader.uniforms.texVox as WebGLUniformLocation,
      this.size.map((n) => n / this.stride),
    );
  }
}
