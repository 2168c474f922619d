import { expect, test } from "vitest";
import { COMMANDS, type CommandName, command } from "../src/input/commands";
import { commandOf, keyLabel, pressed } from "../src/input/keyboard";

const event = (key: string, more: object = {}) => ({
  key,
  code: "",
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more,
});

test("no two commands share a key", () => {
  const keys = (Object.keys(COMMANDS) as CommandName[]).flatMap((name) => command(name).keys);
  expect(keys.filter((key, n) => keys.indexOf(key) !== n)).toEqual([]);
});

test("keys are named as in the list", () => {
  expect(pressed(event("Z", { ctrlKey: true, shiftKey: true }))).toBe("Ctrl+Shift+z");
  expect(pressed(event("?", { shiftKey: true }))).toBe("?");
  expect(pressed(event(" ", { shiftKey: true }))).toBe("Shift+Space");
  expect(pressed(event("\u00e5", { altKey: true, code: "KeyA" }))).toBe("Alt+a");
  expect(commandOf("Ctrl+y")).toBe("redo");
  expect(keyLabel("Ctrl+Shift+z")).toBe("Ctrl+Shift+Z");
  expect(keyLabel("+")).toBe("+");
});
