// NiiVue as the studio uses it: it draws, and leaves mouse, keys, letters and crosshair to the studio.

import { Niivue, SHOW_RENDER, type SLICE_TYPE } from "@niivue/niivue";

const GHOST = 0.0; // opacity of the image behind bones in 3-D
const SMOOTH = 1; // voxels over which surfaces in 3-D are evened

type Tile = number[];

/** A NiiVue whose slices fill their tiles whatever the zoom, with 3-D of the bones by themselves. */
export class StudioCanvas extends Niivue {
  private aspect = 0;

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
    this.showBehind(GHOST);
    try {
      return super.draw3D(...given);
    } finally {
      this.drawOpacity = opacity;
    }
  }

  /** Sends a box of the drawing to the graphics card, and nothing else. */
  sendSlab(at: readonly number[], size: readonly number[], dims: readonly number[]): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE7);
    gl.bindTexture(gl.TEXTURE_3D, this.drawTexture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const skip = [gl.UNPACK_SKIP_PIXELS, gl.UNPACK_SKIP_ROWS, gl.UNPACK_SKIP_IMAGES];
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, dims[0]!);
    gl.pixelStorei(gl.UNPACK_IMAGE_HEIGHT, dims[1]!);
    skip.forEach((name, a) => gl.pixelStorei(name, at[a]!));
    gl.texSubImage3D(gl.TEXTURE_3D, 0, at[0]!, at[1]!, at[2]!, size[0]!, size[1]!, size[2]!, gl.RED, gl.UNSIGNED_BYTE, this.drawBitmap);
    [gl.UNPACK_ROW_LENGTH, gl.UNPACK_IMAGE_HEIGHT, ...skip].forEach((name) => gl.pixelStorei(name, 0));
  }

  /** Evens the drawing's surfaces for 3-D; takes as long as the volume is large. */
  smooth(): void {
    if (!this.drawBitmap) return;
    this.opts.smoothDrawing = SMOOTH;
    this.refreshDrawing(false);
  }

  private showBehind(opacity: number): void {
    const shader = this.renderShader;
    if (!shader) return;
    shader.use(this.gl);
    this.gl.uniform1f(shader.uniforms.backOpacity as WebGLUniformLocation, opacity);
  }
}
