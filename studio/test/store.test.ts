import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Store } from "../src/session/store";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("messages disappear by themselves, errors later", () => {
  const store = new Store();
  store.notify("done", "Saved.");
  store.notify("error", "No.");
  vi.advanceTimersByTime(6000);
  expect(store.state.notices.map((one) => one.text)).toEqual(["No."]);
  vi.advanceTimersByTime(9000);
  expect(store.state.notices).toEqual([]);
});

test("at most three messages are shown, each text once", () => {
  const store = new Store();
  for (const text of ["a", "b", "c", "d", "c"]) store.notify("error", text);
  expect(store.state.notices.map((one) => one.text)).toEqual(["b", "d", "c"]);
});
