// What the server says: the same names as in its OpenAPI.

export type Ijk = [number, number, number];
export type Side = "left" | "right";

export interface SliceRuns {
  slice: number;
  runs: number[];
}

export interface Bone {
  label: number;
  key: string | null;
  name: string;
  side: Side | null;
  color: string;
  voxels: number;
  volume_ml: number;
  extent_mm: number[];
  slices: number[];
  confidence: number | null;
}

export interface Job {
  id: string;
  verb: string;
  state: "queued" | "running" | "done" | "cancelled" | "failed";
  step: string;
  done: number;
  total: number;
  position: number;
  seconds_left: number | null;
  error: string | null;
}

export interface Step {
  n: number;
  verb: string;
  text: string;
  time: string;
}

export interface Prompt {
  kind: string;
  positive?: boolean;
  ijk?: number[];
  min_ijk?: number[];
  max_ijk?: number[];
  ijk_list?: number[][];
  slice?: number;
}

export interface Changing {
  revision: number;
  can_undo: boolean;
  can_redo: boolean;
  answered: number[];
  bones: Bone[];
  flagged: number[];
  slice_confidence: Record<string, number>;
  prompts: Prompt[];
  job: Job | null;
  saved: string | null;
}

export interface Change extends Changing {
  changed: { answer: SliceRuns[]; bones: SliceRuns[]; complete?: boolean };
  history_tail: Step[];
}

export interface Series {
  key: string;
  description: string;
  slices: number;
  shape: number[] | null;
  problem?: string;
}

export interface Session extends Changing {
  id: string;
  name: string;
  source: { path: string; format: string; series: string | null; description?: string; notes: string[] };
  shape: Ijk;
  affine: number[][];
  spacing_mm: number[];
  axis: 0 | 1 | 2;
  slices: number;
  doubts: string[];
  history: Step[];
  other_series: Series[];
}

export interface Layers {
  revision: number;
  answer: { slices: SliceRuns[] };
  bones: { slices: SliceRuns[] };
}

export interface SessionRow {
  id: string;
  name: string;
  path: string;
  changed: string;
  bones: string[];
  open: boolean;
  watched: number;
}

export interface Entry {
  name: string;
  path: string;
  kind: "folder" | "image" | "dicom" | "bones";
  size: number;
}

export interface Folder {
  path: string;
  entries: Entry[];
}

export interface BoneChoice {
  key: string;
  name: string;
  side: Side | null;
  color: string;
  snomed: { code: string; meaning: string };
}

export interface Info {
  version: string;
  method: string;
  license: string;
  ready?: boolean;
  users: number;
  limits: Record<string, number>;
  formats: { open?: string[]; save?: string[] };
  folder: boolean;
  open: string | null;
  docs: string;
}

export interface SavedFile {
  path: string;
  bytes: number;
  download: string;
}
