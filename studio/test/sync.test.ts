import { expect, test } from "vitest";
import { mergedHistory } from "../src/session/sync";

const steps = (...ns: number[]) => ns.map((n) => ({ n, verb: "add_point", text: `step ${n}`, time: "" }));

test("the last steps replace those from their first on", () => {
  expect(mergedHistory(steps(1, 2, 3, 4), steps(3, 4, 5)).map((step) => step.n)).toEqual([1, 2, 3, 4, 5]);
});

test("what was undone drops out", () => {
  expect(mergedHistory(steps(1, 2, 3), steps(1, 2)).map((step) => step.n)).toEqual([1, 2]);
  expect(mergedHistory(steps(1), [])).toEqual([]);
});
