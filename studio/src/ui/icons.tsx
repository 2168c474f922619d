// Icons, drawn on a grid of 20 by 20.

import type { JSX } from "preact";

const PATHS = {
  look: "M10 2v5M10 13v5M2 10h5M13 10h5",
  point: "M10 3.5a6.5 6.5 0 1 0 .01 0M10 7v6M7 10h6",
  box: "M3.5 5.5h13v9h-13z",
  scribble: "M3 14c3-9 5-9 6-4s3 5 4 0 2-4 4-5",
  lasso: "M10 4c4.5 0 7 2 7 4.5s-3 4.5-7 4.5-7-2-7-4.5S5.5 4 10 4M7 12.7c-1 1-1 3.3 1.5 4.3",
  brush: "M16.5 3.5 9 11M9 11c-1.5-.5-3.5.5-3.7 2.5C5.1 15 4.3 16 3 16.5c3 .7 6.5-.5 7-3C10.2 12.2 9.7 11.3 9 11",
  eraser: "M8 16.5 3.5 12l8-8.5 5 5-7 8zM7 8.3l5 5M7 16.5h9.5",
  undo: "M7 4 3.5 7.5 7 11M3.5 7.5H12a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 4l3.5 3.5L13 11M16.5 7.5H8a4.5 4.5 0 0 0 0 9h4",
  main: "M2.5 3.5h15v13h-15zM12.5 3.5v13M12.5 10h5",
  planes: "M2.5 3.5h15v13h-15zM10 3.5v13M2.5 10h15",
  single: "M2.5 3.5h15v13h-15z",
  mosaic: "M2.5 3.5h15v13h-15zM7.5 3.5v13M12.5 3.5v13M2.5 7.8h15M2.5 12.2h15",
  solid: "M10 2.5 16.5 6v8L10 17.5 3.5 14V6zM3.5 6 10 9.5 16.5 6M10 9.5v8",
  compare: "M2.5 4.5h7v11h-7zM10.5 4.5h7v11h-7z",
  eye: "M2 10c2-3.5 4.8-5 8-5s6 1.5 8 5c-2 3.5-4.8 5-8 5s-6-1.5-8-5M10 7.5a2.5 2.5 0 1 0 .01 0",
  hidden:
    "M3 3l14 14M2 10c1-1.8 2.3-3.1 3.7-3.9M8 5.2C12.2 4.4 15.7 6 18 10c-.7 1.2-1.5 2.2-2.5 3M12.5 14.7C8.2 15.9 4.5 14.2 2 10",
  edit: "M3.5 16.5l.8-3.5L13 4.3l2.7 2.7-8.7 8.7z",
  remove: "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6",
  help: "M7 7.5a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M10 15.5v.5",
  folder: "M2.5 5h5l1.5 2h8.5v8.5h-15z",
  theme: "M10 3a7 7 0 1 0 .01 0M10 3v14",
  close: "M5 5l10 10M15 5 5 15",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg
      viewBox="0 0 20 20"
      width="18"
      height="18"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
