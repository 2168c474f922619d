// The bottom line: where the crosshair is, what is at work, whether the server answers.

import type { JSX } from "preact";
import { useParts, usePick } from "./context";
import { TOOLS } from "../tools/tools";
import type { Job } from "../types";

export function Status(): JSX.Element {
  const { studio } = useParts();
  const ready = usePick((state) => state.phase === "ready" && state.session !== null);
  const connected = usePick((state) => state.connected);
  const job = usePick((state) => state.session?.job ?? null);
  const busy = usePick((state) => state.busy > 0);
  const saved = usePick((state) => state.session?.saved ?? null);
  const method = usePick((state) => state.info?.method ?? "");
  return (
    <footer class="status">
      {ready && <Place />}
      <span class="grow" />
      {job ? <Progress job={job} /> : busy ? <span class="working" role="status">Working ...</span> : ready && <Hint />}
      <span class="grow" />
      {ready && saved && <span class="faint" title={`Kept on the server, ${saved}`}>kept {timeOf(saved)}</span>}
      <span class="faint" title="Method and weights">{method}</span>
      <span class={connected ? "link ok" : "link lost"} role="status">
        {connected ? "connected" : "server lost, trying again ..."}
      </span>
      {!connected && studio.state.phase === "start" && <button type="button" onClick={() => void studio.begin()}>Try now</button>}
    </footer>
  );
}

function Hint(): JSX.Element {
  const tool = usePick((state) => state.tool);
  const pending = usePick((state) => state.pending.length);
  const text = pending ? `${pending} set: Space sets the next, Enter ends, Esc gives up` : TOOLS[tool].hint;
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
      <span title="Millimeters from the scanner's center: right or left, anterior or posterior, superior or inferior" data-mm={mm.map((v) => v.toFixed(1)).join(" ")}>
        {side("RL", mm[0])} {side("AP", mm[1])} {side("SI", mm[2])} mm
      </span>
      <span title="Voxel i j k of the file" data-ijk={ijk.join(" ")}>[{ijk.join(" ")}]</span>
      <span title="Intensity">{value === null ? "" : short(value)}</span>
      <span class="faint" title="Window and level: drag with the right button">W {short(high - low)} L {short((low + high) / 2)}</span>
      <span class="faint" title="Zoom: Ctrl and wheel">{zoom.toFixed(1)}x</span>
    </span>
  );
}

function Progress({ job }: { job: Job }): JSX.Element {
  const { studio } = useParts();
  const share = job.total ? job.done / job.total : null;
  const words = job.state === "queued" ? `waits, ${job.position} before it` : `${job.step} ${job.total ? `${job.done}/${job.total}` : ""}`;
  const left = job.seconds_left === null ? "" : `, ${job.seconds_left < 60 ? `${Math.ceil(job.seconds_left)} s` : `${Math.ceil(job.seconds_left / 60)} min`} left`;
  return (
    <span class="job" role="status">
      <span>{job.verb}: {words}{left}</span>
      {share === null ? <progress aria-label="Progress" /> : <progress value={share} aria-label="Progress" />}
      <button type="button" title="Cancel (Esc)" onClick={() => void studio.act("cancel")}>Cancel</button>
    </span>
  );
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

function timeOf(iso: string): string {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}
