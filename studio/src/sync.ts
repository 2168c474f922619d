// Keeps the page's session the same as the server's: changes in order, gaps filled, the stream taken up again.

import { Refused, type Api } from "./api";
import { listen } from "./events";
import type { Slab } from "./layers";
import type { Store } from "./state";
import type { Change, Job, Layers, Session, SliceRuns, Step } from "./types";
import type { Viewer } from "./view/viewer";

/** The part of a session that a change brings. */
export function merged(session: Session, change: Change): Session {
  const { changed: _changed, history_tail, ...state } = change;
  return { ...session, ...state, history: mergedHistory(session.history, history_tail) };
}

/** The history with its last steps as they are now; what was undone drops out. */
export function mergedHistory(history: readonly Step[], tail: readonly Step[]): Step[] {
  const first = tail[0]?.n;
  if (first === undefined) return [];
  return [...history.filter((step) => step.n < first), ...tail];
}

/** Follows one session. */
export class Sync {
  private stop: () => void = () => undefined;
  private filling: Promise<void> | null = null;
  private readonly ended = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly viewer: Viewer,
    /** Told after the layers changed. */
    private readonly changed: () => void,
  ) {}

  /** Follows the events of the session that is open. */
  follow(id: string): void {
    this.stop();
    this.stop = listen(this.api, id, {
      heard: (kind, data) => this.heard(id, kind, data),
      joined: () => {
        if (!this.store.state.connected) {
          this.store.set({ connected: true });
          this.store.notify("done", "The server is back; the session goes on where it was.");
          void this.refresh(id);
        }
      },
      lost: (error) => {
        if (error instanceof Refused && [401, 403, 404].includes(error.status)) {
          this.stop();
          this.store.notify("error", error.message);
        }
        this.store.set({ connected: false });
      },
    });
  }

  end(): void {
    this.stop();
  }

  /** Takes a change in; whether it fitted to what the page has. */
  take(change: Change): void {
    const session = this.store.state.session;
    if (!session) return;
    if (change.revision < session.revision) return;
    const since = (change as Change & { since?: number }).since ?? change.revision - 1;
    if (change.revision > session.revision && since > session.revision && !change.changed.complete) {
      this.fill(session);
      return;
    }
    this.draw(change.changed.answer, change.changed.bones, change.changed.complete ?? false);
    this.store.set({ session: merged(session, change) });
    this.changed();
  }

  /** Takes in all layers as they are now. */
  async layers(id: string): Promise<void> {
    const all: Layers = await this.api.layers(id);
    if (this.store.state.session?.id !== id) return;
    this.draw(all.answer.slices, all.bones.slices, true);
    this.changed();
  }

  /** The whole session anew: after the connection broke off, or events were missed. */
  async refresh(id: string): Promise<void> {
    const session = await this.api.session(id);
    if (this.store.state.session?.id !== id) return;
    this.store.set({ session });
    await this.layers(id);
  }

  private fill(session: Session): void {
    this.filling ??= this.refresh(session.id)
      .catch((error: Error) => this.store.notify("error", error.message))
      .finally(() => (this.filling = null));
  }

  private draw(answer: SliceRuns[], bones: SliceRuns[], complete: boolean): void {
    const { layers } = this.viewer;
    if (!layers) return;
    const slabs: Slab[] = [...layers.change("answer", answer, complete), ...layers.change("bones", bones, complete)];
    this.viewer.show(unique(slabs));
  }

  private heard(id: string, kind: string, data: unknown): void {
    const session = this.store.state.session;
    if (session?.id !== id) return;
    if (kind === "change") this.take(data as Change);
    else if (kind === "preview") this.viewer.show(this.viewer.layers?.change("answer", (data as { answer: SliceRuns[] }).answer) ?? []);
    else if (kind === "progress" || kind === "queue") this.progress(data as Job);
    else if (kind === "error") this.store.notify("error", (data as { message: string }).message);
    else if (kind === "resync") void this.refresh(id);
    else if (kind === "hello") {
      const { revision, job } = data as { revision: number; job: Job | null };
      this.store.set({ session: { ...session, job } });
      if (revision !== session.revision) void this.refresh(id);
    }
  }

  /** Takes in how far a job is; what is told of it after its end is old. */
  progress(job: Job): void {
    const { session } = this.store.state;
    if (!session || this.ended.has(job.id)) return;
    const runs = job.state === "queued" || job.state === "running";
    if (!runs) this.ended.add(job.id);
    this.store.set({ session: { ...session, job: runs ? job : null } });
    if (job.state === "failed") this.store.notify("error", job.error ?? "The job failed.");
    // Slices that were shown while the job ran may not be what is left of it.
    if (job.state === "failed" || job.state === "cancelled") void this.refresh(session.id);
  }
}

function unique(slabs: readonly Slab[]): Slab[] {
  return [...new Map(slabs.map((slab) => [slab.at.join(), slab])).values()];
}
