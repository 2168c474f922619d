import { expect, test } from "vitest";
import { decode, encode, filled } from "../src/api/runLengths";

test("runs become labels and runs again", () => {
  const labels = decode([0, 2, 3, 4, 0, 1, 1, 2], 9);
  expect([...labels]).toEqual([0, 0, 3, 3, 3, 3, 0, 1, 1]);
  expect(encode(labels)).toEqual([0, 2, 3, 4, 0, 1, 1, 2]);
  expect(filled([0, 2, 3, 4, 0, 1, 1, 2])).toBe(6);
});

test("no runs are an empty slice; too many are refused", () => {
  expect([...decode([], 3)]).toEqual([0, 0, 0]);
  expect(() => decode([1, 4], 3)).toThrow(RangeError);
});
