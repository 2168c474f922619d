import { expect, test } from "vitest";
import { type Api, RequestError } from "../src/api/client";
import type { Change, Job, Session } from "../src/api/types";
import { Actions } from "../src/session/actions";
import { Store } from "../src/session/store";
import type { Sync } from "../src/session/sync";

const JOB = { id: "j", verb: "propagate", state: "running" } as Job;
const CHANGE = { changed: { answer: [], bones: [] } } as unknown as Change;

function parts(respond: (verb: string) => Change | Job = () => CHANGE) {
  const store = new Store();
  const sent: string[] = [];
  const errors: unknown[] = [];
  store.set({ session: { id: "s", job: null } as Session });
  const setJob = (job: Job | null): void => store.set({ session: { ...store.state.session!, job } });
  const api = {
    verb: async (_: string, verb: string) => {
      sent.push(verb);
      return respond(verb);
    },
  } as unknown as Api;
  const sync = { take: () => undefined, progress: setJob, refresh: async () => setJob(JOB) } as unknown as Sync;
  const actions = new Actions(api, store, sync, (error) => errors.push(error));
  const act = (verb: string, body = {}): Promise<boolean> => actions.do(verb, body, () => undefined);
  return { store, sent, errors, act, setJob };
}

const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

test("clicks during a job wait for its end, and are sent in order", async () => {
  const { store, sent, act, setJob } = parts();
  setJob(JOB);
  const clicks = [act("add_point", { ijk: [1, 2, 3], positive: true }), act("add_point", { ijk: [4, 5, 6] })];
  await settled();
  expect(sent).toEqual([]);
  expect(store.state.queued.map((prompt) => prompt.ijk)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  setJob(null);
  expect(await Promise.all(clicks)).toEqual([true, true]);
  expect(sent).toEqual(["add_point", "add_point"]);
  expect([store.state.queued, store.state.busy]).toEqual([[], 0]);
});

test("a click right after a job was begun waits for that job", async () => {
  const { sent, act, setJob } = parts((verb) => (verb === "propagate" ? JOB : CHANGE));
  void act("propagate");
  const click = act("add_point", { ijk: [1, 2, 3] });
  await settled();
  expect(sent).toEqual(["propagate"]);
  setJob(null);
  expect(await click).toBe(true);
});

test("cancel is sent at once", async () => {
  const { sent, act, setJob } = parts();
  setJob(JOB);
  void act("add_point", { ijk: [1, 2, 3] });
  await act("cancel");
  expect(sent).toEqual(["cancel"]);
});

test("a click that meets a job of another tab is sent again after it", async () => {
  let refusals = 1;
  const { sent, errors, act, setJob } = parts(() => {
    if (refusals-- > 0) throw new RequestError(409, "Busy", "A job runs.");
    return CHANGE;
  });
  const click = act("add_point", { ijk: [1, 2, 3] });
  await settled();
  expect(sent).toEqual(["add_point"]);
  setJob(null);
  expect(await click).toBe(true);
  expect([sent.length, errors]).toEqual([2, []]);
});
