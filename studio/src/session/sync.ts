// Keeps the page's session equal to the server's: applies changes in order, fetches what was missed, reconnects.

import { type Api, RequestError } from "../api/client";
import { listen } from "../api/events";
import type { Change, Job, Layers, Session, SliceRuns, Step } from "../api/types";
import type { Slab } from "../view/layers";
import type { Viewer } from "../view/viewer";
import type { Store } from "./store";

/** Return a session after a change. */
export function merged(session: Session, change: Change): Session {
  const { changed: _changed, history_tail, result: _result, ...state } = change;
  return { ...session, ...state, history: mergedHistory(session.history, history_tail) };
}

/** Return a history with its last steps replaced; steps that were undone drop out. */
export function mergedHistory(history: readonly Step[], tail: readonly Step[]): Step[] {
  const first = tail[0]?.n;
  if (first === undefined) return [];
  return [...history.filter((step) => step.n < first), ...tail];
}

/** Follows one session on the server. */
export class Sync {
  private stop: () => void = () => undefined;
  private filling: Promise<void> | null = null;
  private readonly ended = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly viewer: Viewer,
    /** Called after the masks changed. */
    private readonly changed: () => void,
  ) {}

  /** Follow the events of a session, in place of the one before. */
  follow(id: string): void {
    this.stop();
    this.stop = listen(this.api, id, {
      received: (kind, data) => this.received(id, kind, data),
      connected: () => this.connected(id),
      disconnected: (error) => this.disconnected(error),
    });
  }

  end(): void {
    this.stop();
  }

  private connected(id: string): void {
    if (this.store.state.connection === "connected") return;
    this.store.set({ connection: "connected" });
    this.store.notify("done", "Connected again. The session continues where it was.");
    void this.refresh(id);
  }

  private disconnected(error: unknown): void {
    const refused = error instanceof RequestError && !error.unreachable;
    if (refused && error.unauthorized) {
      this.store.set({ connection: "unauthorized" });
      return;
    }
    if (refused && [403, 404].includes(error.status)) {
      this.stop();
      this.store.notify("error", error.message);
    }
    this.store.set({ connection: "reconnecting" });
  }

  /** Apply a change that the server sent, or fetch the session where changes before it were missed. */
  take(change: Change): void {
    const session = this.store.state.session;
    if (!session || change.revision < session.revision) return;
    const since = (change as Change & { since?: number }).since ?? change.revision - 1;
    if (change.revision > session.revision && since > session.revision && !change.changed.complete) {
      this.fill(session);
      return;
    }
    this.draw(change.changed.mask, change.changed.labels, change.changed.complete ?? false);
    this.store.set({ session: merged(session, change) });
    this.changed();
  }

  /** Fetch all masks of the session. */
  async layers(id: string): Promise<void> {
    const all: Layers = await this.api.layers(id);
    if (this.store.state.session?.id !== id) return;
    this.draw(all.mask, all.labels, true);
    this.changed();
  }

  /** Fetch the whole session again, after the connection broke off or events were missed. */
  async refresh(id: string): Promise<void> {
    const session = await this.api.session(id);
    if (this.store.state.session?.id !== id) return;
    this.store.set({ session });
    await this.layers(id);
  }

  /** Apply the progress of a job; reports that arrive after its end are ignored. */
  progress(job: Job): void {
    const { session } = this.store.state;
    if (!session || this.ended.has(job.id)) return;
    const runs = job.state === "queued" || job.state === "running";
    if (!runs) this.ended.add(job.id);
    this.store.set({ session: { ...session, job: runs ? job : null } });
    if (job.state === "failed") this.store.notify("error", job.error ?? "The job failed.");
    // Slices that were previewed while the job ran may not be part of its result.
    if (job.state === "failed" || job.state === "cancelled") void this.refresh(session.id);
  }

  private fill(session: Session): void {
    this.filling ??= this.refresh(session.id)
      .catch((error: Error) => this.store.notify("error", error.message))
      .finally(() => {
        this.filling = null;
      });
  }

  private draw(current: SliceRuns[], committed: SliceRuns[], complete: boolean): void {
    const { layers } = this.viewer;
    if (!layers) return;
    const slabs = [...layers.change("current", current, complete), ...layers.change("committed", committed, complete)];
    this.viewer.show(unique(slabs));
  }

  private received(id: string, kind: string, data: unknown): void {
    const session = this.store.state.session;
    if (session?.id !== id) return;
    if (kind === "change") this.take(data as Change);
    else if (kind === "preview") this.preview((data as { mask: SliceRuns[] }).mask);
    else if (kind === "progress" || kind === "queue") this.progress(data as Job);
    else if (kind === "error") this.store.notify("error", (data as { message: string }).message);
    else if (kind === "resync") void this.refresh(id);
    else if (kind === "hello") {
      const { revision, job } = data as { revision: number; job: Job | null };
      this.store.set({ session: { ...session, job } });
      if (revision !== session.revision) void this.refresh(id);
    }
  }

  private preview(slices: SliceRuns[]): void {
    this.viewer.show(this.viewer.layers?.change("current", slices) ?? []);
  }
}

function unique(slabs: readonly Slab[]): Slab[] {
  return [...new Map(slabs.map((slab) => [slab.at.join(), slab])).values()];
}
