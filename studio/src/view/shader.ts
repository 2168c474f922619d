// How a slice is colored: the image through its window, and over it what is marked, filled or in outline.

import { FIRST_HEAT } from "./layers";

/** The fragment shader, in the terms of NiiVue's slices; outlines are so many pixels wide. */
export function sliceShader(outlinePixels: number): string {
  return `#version 300 es
precision highp int;
precision highp float;
uniform highp sampler3D volume;
uniform highp sampler3D drawing;
uniform highp sampler2D colormap;
uniform float opacity;
uniform float drawOpacity;
uniform float drawRimOpacity;
uniform vec2 shades;
in vec3 texPos;
out vec4 color;

const float HEAT = ${((FIRST_HEAT - 0.5) / 255).toFixed(6)};

float mark(vec3 at) {
  return texture(drawing, at).r;
}

void main() {
  float gray = (texture(volume, texPos).r - shades.x) / (shades.y - shades.x);
  color = vec4(vec3(clamp(gray, 0.0, 1.0)), opacity);
  float here = mark(texPos);
  vec3 across = dFdx(texPos) * ${outlinePixels.toFixed(2)};
  vec3 up = dFdy(texPos) * ${outlinePixels.toFixed(2)};
  if (here == 0.0 || drawOpacity == 0.0) return;
  ivec2 size = textureSize(colormap, 0);
  vec4 paint = texelFetch(colormap, ivec2(int(here * 255.0 + 0.5), size.y - 1), 0);
  if (paint.a == 0.0) return;
  if (here >= HEAT) {
    color.rgb = mix(color.rgb, paint.rgb, max(drawOpacity, 0.45));
    return;
  }
  bool rim = mark(texPos - across) != here || mark(texPos + across) != here || mark(texPos - up) != here || mark(texPos + up) != here;
  color.rgb = mix(color.rgb, paint.rgb, rim ? drawRimOpacity : drawOpacity);
}`;
}
