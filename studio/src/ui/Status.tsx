// The status line: the crosshair's place, what runs, whether the server can be reached.

import type { JSX } from "preact";
import type { Job } from "../api/types";
import { TOOLS } from "../input/tools";
import type { Connection } from "../session/store";
import { useParts, usePick } from "./context";

const CONNECTIONS: Record<Connection, string> = {
  connected: "Connected",
  reconnecting: "Disconnected, reconnecting…",
  unauthorized: "Token not accepted",
};

export function Status(): JSX.Element {
  const ready = usePick((state) => state.phase === "ready" && state.session !== null);
  const connection = usePick((state) => state.connection);
  const saved = usePick((state) => state.session?.saved ?? null);
  const method = usePick((state) => state.info?.method ?? "");
  return (
    <footer class="status">
      {ready && <Place />}
      <span class="grow" />
      <Activity ready={ready} />
      <span class="grow" />
      {ready && saved && (
        <span class="faint" title={`Saved on the server, ${saved}`}>
          saved {timeOf(saved)}
        </span>
      )}
      <span class="faint" title="Weights">
        {method}
      </span>
      <span class={connection === "connected" ? "link ok" : "link lost"} role="status">
        {CONNECTIONS[connection]}
      </span>
    </footer>
  );
}

function Activity({ ready }: { ready: boolean }): JSX.Element | null {
  const job = usePick((state) => state.session?.job ?? null);
  const busy = usePick((state) => state.busy > 0);
  const queued = usePick((state) => state.queued.length);
  if (job) return <Progress job={job} queued={queued} />;
  if (busy)
    return (
      <span class="working" role="status">
        Working…
      </span>
    );
  return ready ? <Hint /> : null;
}

function Hint(): JSX.Element {
  const tool = usePick((state) => state.tool);
  const pending = usePick((state) => state.pending.length);
  const points = pending === 1 ? "1 point" : `${pending} points`;
  const text = pending ? `${points} set: Space adds another, Enter ends, Esc discards` : TOOLS[tool].hint;
  return <span class="faint hint">{text}</span>;
}

function Place(): JSX.Element {
  const { studio } = useParts();
  const ijk = usePick((state) => state.crosshair);
  const { low, high } = usePick((state) => state.window);
  const zoom = usePick((state) => state.zoom);
  const mm = studio.viewer.world(ijk);
  const value = studio.viewer.valueAt(ijk);
  const side = (text: string, at: number): string => `${Math.abs(at).toFixed(1)} ${at >= 0 ? text[0] : text[1]}`;
  return (
    <span class="place" aria-label="Place of the crosshair">
      <span
        title="Millimeters from the scanner's center: right or left, anterior or posterior, superior or inferior"
        data-mm={mm.map((v) => v.toFixed(1)).join(" ")}
      >
        {side("RL", mm[0])} {side("AP", mm[1])} {side("SI", mm[2])} mm
      </span>
      <span title="Voxel i j k of the file" data-ijk={ijk.join(" ")}>
        [{ijk.join(" ")}]
      </span>
      <span title="Intensity">{value === null ? "" : short(value)}</span>
      <span class="faint" title="Window and level: drag with the right button">
        W {short(high - low)} L {short((low + high) / 2)}
      </span>
      <span class="faint" title="Zoom: Ctrl and wheel">
        {zoom.toFixed(1)}x
      </span>
    </span>
  );
}

const JOBS: Record<string, string> = { propagate: "Propagating", automatic: "Segmenting" };

function Progress({ job, queued }: { job: Job; queued: number }): JSX.Element {
  const { studio } = useParts();
  const fraction = job.total ? job.done / job.total : null;
  return (
    <span class="job" role="status">
      <span>
        {JOBS[job.verb] ?? job.verb}: {progressOf(job)}
        {queued > 0 && `, ${queued === 1 ? "1 prompt" : `${queued} prompts`} queued`}
      </span>
      {fraction === null ? <progress aria-label="Progress" /> : <progress value={fraction} aria-label="Progress" />}
      <button type="button" title="Cancel (Esc)" onClick={() => void studio.act("cancel")}>
        Cancel
      </button>
    </span>
  );
}

/** Return in words how far a job is. */
export function progressOf(job: Job): string {
  if (job.state === "queued") return job.position === 1 ? "waiting for 1 job" : `waiting for ${job.position} jobs`;
  const count = job.total ? ` ${job.done}/${job.total}` : "";
  if (job.seconds_left === null) return `${job.step}${count}`;
  const minutes = Math.ceil(job.seconds_left / 60);
  return `${job.step}${count}, ${job.seconds_left < 60 ? `${Math.ceil(job.seconds_left)} s` : `${minutes} min`} left`;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}
