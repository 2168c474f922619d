// The server's types by the names that the page uses; generated ones are narrowed where TypeScript can say more.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Ijk = [number, number, number];
export type Axis = 0 | 1 | 2;

export type SliceRuns = Schemas["SliceRuns"];
export type Bone = Schemas["BoneRow"];
export type Job = Schemas["JobStatus"];
export type Step = Schemas["HistoryStep"];
export type Series = Schemas["SeriesRow"];
export type Layers = Schemas["SessionLayers"];
export type SessionRow = Schemas["SessionRow"];
export type Entry = Schemas["FolderEntry"];
export type Folder = Schemas["FolderListing"];
export type BoneChoice = Schemas["BoneChoice"];
export type Info = Schemas["ServerInfo"];
export type SavedFile = Schemas["SavedFile"];
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

export type Change = Omit<Schemas["SessionChange"], "prompts"> & { prompts: Prompt[] };

export type Session = Omit<Schemas["SessionInfo"], "prompts" | "shape" | "axis" | "other_series"> & {
  prompts: Prompt[];
  shape: Ijk;
  axis: Axis;
  other_series: { key: string; description: string }[];
};

/** An image to open. */
export type Source = Schemas["OpenImage"];
