/// <reference types="node" />
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SRC = new URL("../src", import.meta.url).pathname;
const ROOMS = ["api", "view", "session", "input", "ui"]; // each may import from those before it

test("imports point one way: ui, input, session, view, api", () => {
  const wrong: string[] = [];
  for (const [n, room] of ROOMS.entries()) {
    for (const file of readdirSync(join(SRC, room), { recursive: true }) as string[]) {
      if (!/\.tsx?$/.test(file)) continue;
      for (const [, target] of readFileSync(join(SRC, room, file), "utf8").matchAll(/from "(?:\.\.\/)+(\w+)\//g)) {
        if (ROOMS.indexOf(target!) > n) wrong.push(`${room}/${file} imports ${target}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});
