import { expect, test } from "vitest";
import { Tools } from "../src/input/tools";
import type { Studio } from "../src/session/studio";

test("a point on bone moves the crosshair, a point on something else does not", () => {
  const looks: number[][] = [];
  const acts: object[] = [];
  const studio = {
    session: { shape: [10, 10, 10], job: null },
    viewer: { hold: () => undefined },
    lookAt: (ijk: number[]) => looks.push(ijk),
    act: (verb: string, body: object) => Promise.resolve(acts.push({ verb, ...body })),
  } as unknown as Studio;
  const tools = new Tools(studio);
  tools.point([1.2, 2, 3], true);
  tools.point([7, 8, 9], false);
  expect(looks).toEqual([[1, 2, 3]]);
  expect(acts).toEqual([
    { verb: "add_point", ijk: [1, 2, 3], positive: true },
    { verb: "add_point", ijk: [7, 8, 9], positive: false },
  ]);
});
