import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Api, type RequestError, tokenIn } from "../src/api/client";

const pauses: number[] = [];
let api: Api;

beforeEach(() => {
  pauses.length = 0;
  vi.stubGlobal("sessionStorage", { setItem: vi.fn() });
  api = new Api("old", "http://server", async (seconds) => void pauses.push(seconds));
});
afterEach(() => vi.unstubAllGlobals());

const refusal = (status: number, kind: string, headers = {}): Response =>
  new Response(JSON.stringify({ error: { kind, message: "No." } }), { status, headers });

const errorOf = async (response: () => Response): Promise<RequestError> => {
  vi.stubGlobal("fetch", async () => response());
  return (await api.info().catch((error) => error)) as RequestError;
};

test("a rejected token is told from a server that cannot be reached", async () => {
  const rejected = await errorOf(() => refusal(401, "Unauthorized"));
  expect([rejected.unauthorized, rejected.unreachable]).toEqual([true, false]);
  const unreachable = await errorOf(() => {
    throw new TypeError("Failed to fetch");
  });
  expect([unreachable.unauthorized, unreachable.unreachable]).toEqual([false, true]);
  expect(unreachable.message).toContain("cannot be reached");
});

test("a server with too much to do is asked again when it says", async () => {
  let attempts = 0;
  vi.stubGlobal("fetch", async () =>
    ++attempts < 3 ? refusal(503, "Full", { "Retry-After": "2" }) : new Response(JSON.stringify({ version: "1" })),
  );
  expect(await api.info()).toEqual({ version: "1" });
  expect(pauses).toEqual([2, 2]);
});

test("other refusals are not repeated", async () => {
  expect((await errorOf(() => refusal(409, "Busy"))).busy).toBe(true);
  expect(pauses).toEqual([]);
});

test("a token is found in the printed address, in its fragment and by itself", () => {
  expect(tokenIn("http://127.0.0.1:8765/#token=a-B_9")).toBe("a-B_9");
  expect(tokenIn("http://host/#session=1&token=abc")).toBe("abc");
  expect(tokenIn("  abc ")).toBe("abc");
  expect(tokenIn("http://127.0.0.1:8765/")).toBeNull();
});

test("the new token is sent and kept", async () => {
  const sent: (string | null)[] = [];
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    sent.push(new Headers(init.headers).get("authorization"));
    return new Response("{}");
  });
  api.useToken("new");
  await api.info();
  expect(sent).toEqual(["Bearer new"]);
  expect(sessionStorage.setItem).toHaveBeenCalledWith("anybone-token", "new");
});
