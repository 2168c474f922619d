import { expect, test } from "vitest";
import { parse } from "../src/api/events";

test("events are cut at empty lines; what is unfinished waits", () => {
  const { events, rest } = parse('event: change\ndata: {"revision":\ndata: 3}\n\n: ping\n\nevent: progress\ndata: {}');
  expect(events).toEqual([{ kind: "change", data: '{"revision":\n3}' }]);
  expect(rest).toBe("event: progress\ndata: {}");
});
