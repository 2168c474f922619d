// The server's types by the names that the page uses; generated ones are narrowed where TypeScript can say more.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Ijk = [number, number, number];
export type Axis = 0 | 1 | 2;

export type SliceRuns = Schemas["SliceRuns"];
export type Bone = Schemas["BoneRow"];
export type Job = Schemas["Job"];
export type Step = Schemas["Step"];
export type Series = Schemas["SeriesRow"];
export type Layers = Schemas["Layers"];
export type SessionRow = Schemas["SessionRow"];
export type Entry = Schemas["Entry"];
export type Folder = Schemas["Folder"];
export type BoneChoice = Schemas["BoneChoice"];
export type Info = Schemas["Info"];
export type SavedFile = Schemas["Saved"];
export type SavedFiles = Schemas["SavedFiles"];
export type Side = "left" | "right";

/** A prompt of any kind: the fields of those that are drawn. */
export interface Prompt {
  kind: string;
  positive?: boolean;
  ijk?: number[];
  min_ijk?: number[];
  max_ijk?: number[];
  ijk_list?: number[][];
  slice?: number;
}

export type Change = Omit<Schemas["Change"], "prompts"> & { prompts: Prompt[] };

export type Session = Omit<Schemas["Session"], "prompts" | "shape" | "axis" | "other_series"> & {
  prompts: Prompt[];
  shape: Ijk;
  axis: Axis;
  other_series: { key: string; description: string }[];
};

/** An image to open. */
export type Source = Schemas["OpenImage"];
