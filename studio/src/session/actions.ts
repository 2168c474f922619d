// Requests that change a session: sent one after another, and only while no job runs on it.

import { type Api, RequestError } from "../api/client";
import type { Job, Prompt } from "../api/types";
import type { Store } from "./store";
import type { Sync } from "./sync";

const MAX_BUSY = 20; // times that a job of another tab may come first

/** The queue of a page's actions. */
export class Actions {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly sync: Sync,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Do an action after those before it; return whether it was done. `sent` is called before its result is shown. */
  do(verb: string, body: object, sent: () => void): Promise<boolean> {
    const { session } = this.store.state;
    if (!session) return Promise.resolve(false);
    const prompt = promptOf(verb, body);
    this.store.set(({ busy, queued }) => ({ busy: busy + 1, queued: prompt ? [...queued, prompt] : queued }));
    const turn = verb === "cancel" ? Promise.resolve() : this.last.then(() => this.jobEnded());
    const done = turn
      .then(() => this.send(session.id, verb, body, sent))
      .finally(() =>
        this.store.set(({ busy, queued }) => ({ busy: busy - 1, queued: queued.filter((one) => one !== prompt) })),
      );
    if (verb !== "cancel") this.last = done;
    return done;
  }

  private async send(id: string, verb: string, body: object, sent: () => void): Promise<boolean> {
    if (this.store.state.session?.id !== id) return false;
    try {
      const result = await this.request(id, verb, body);
      if (this.store.state.session?.id !== id) return false;
      sent();
      if ("changed" in result) this.sync.take(result);
      else this.sync.progress(result as Job);
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Send the request; where a job of another tab runs, send it again after that job. */
  private async request(id: string, verb: string, body: object): ReturnType<Api["verb"]> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.api.verb(id, verb, body);
      } catch (error) {
        if (!(error instanceof RequestError && error.busy) || attempt >= MAX_BUSY) throw error;
        await this.sync.refresh(id);
        await this.jobEnded();
      }
    }
  }

  private jobEnded(): Promise<void> {
    const runs = (): boolean => Boolean(this.store.state.session?.job);
    if (!runs()) return Promise.resolve();
    return new Promise((done) => {
      const stop = this.store.subscribe(() => {
        if (runs()) return;
        stop();
        done();
      });
    });
  }
}

/** Return the prompt that an action adds; null where it adds none that can be drawn. */
export function promptOf(verb: string, body: object): Prompt | null {
  return /^add_(point|box|scribble|lasso)$/.test(verb) ? { kind: verb.slice(4), ...body } : null;
}
