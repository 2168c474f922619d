import { expect, test } from "vitest";
import type { Job, Series, Session } from "../src/api/types";
import { bonesOf, gridOf } from "../src/ui/Open";
import { barOf } from "../src/ui/Slices";
import { progressOf } from "../src/ui/Status";

const SESSION = {
  mask_slices: [1, 2, 3],
  bones: [{ slices: [4, 5] }],
  slice_confidence: { 1: 0.69, 2: 0.84 },
  flag_below: 0.7,
} as unknown as Session;

test("a bar is flagged below the server's threshold, as the flags are", () => {
  expect([0, 1, 2, 3, 4].map((n) => barOf(SESSION, n)?.kind ?? null)).toEqual([
    null,
    "flagged",
    "confident",
    "confident",
    "committed",
  ]);
  expect(barOf({ ...SESSION, flag_below: null }, 1)?.kind).toBe("confident");
});

test("a series is described by plane, slices and spacing", () => {
  const series = { plane: "sagittal", slices: 24, shape: [320, 320, 24], spacing_mm: [0.5, 0.5, 3.3] } as Series;
  expect(gridOf(series)).toBe("sagittal, 24 slices, 320 x 320 x 24 voxels of 0.5 x 0.5 x 3.3 mm");
  expect(gridOf({ ...series, shape: null, slices: 1 })).toBe("1 slice");
});

test("names of bones and progress read as sentences", () => {
  expect(bonesOf([])).toBe("no bones yet");
  expect(bonesOf(["a", "b", "c", "d", "e"])).toBe("a, b, c, d and 1 more");
  const job = { state: "running", step: "decode", done: 3, total: 9, seconds_left: 61, position: 0 } as Job;
  expect(progressOf(job)).toBe("decode 3/9, 2 min left");
  expect(progressOf({ ...job, state: "queued", position: 1 })).toBe("waiting for 1 job");
});
