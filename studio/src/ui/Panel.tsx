// The right side: the answer, the bones, the slices, what was done.

import type { JSX } from "preact";
import { CommandButton, useParts, usePick } from "./context";
import { Bones } from "./Bones";
import { Slices } from "./Slices";

export function Panel(): JSX.Element {
  return (
    <aside class="panel" aria-label="Bones and slices">
      <Answer />
      <Bones />
      <Slices />
      <History />
    </aside>
  );
}

function Answer(): JSX.Element {
  const { studio } = useParts();
  const answered = usePick((state) => state.session!.answered);
  const doubts = usePick((state) => state.session!.doubts);
  const latency = usePick((state) => state.latencyMs);
  const n = answered.length;
  return (
    <section aria-labeledby="answer-title">
      <h2 id="answer-title">
        Answer
        <span class="count" data-answered={n}>{n === 0 ? "nothing marked" : n === 1 ? `slice ${answered[0]}` : `${n} slices, ${answered[0]} to ${answered[n - 1]}`}</span>
        {latency !== null && <span class="count" title="From the last click to its mask on the screen">{Math.round(latency)} ms</span>}
      </h2>
      {doubts.length > 0 && studio.state.session!.prompts.length === 0 && <p class="doubt">{doubts.join(" ")}</p>}
      <div class="buttons">
        <CommandButton name="automaticSlice" label="Slice" />
        <CommandButton name="automaticRange" label="Range" />
        <CommandButton name="automaticVolume" label="Volume" />
        <CommandButton name="propagate" label="Follow" />
        <CommandButton name="keep" label="Keep piece" />
        <CommandButton name="interpolate" label="Fill" />
        <CommandButton name="reset" label="Clear" />
        <CommandButton name="accept" label="Accept as a bone" primary class="two" />
      </div>
    </section>
  );
}

function History(): JSX.Element {
  const history = usePick((state) => state.session!.history);
  return (
    <section class="history" aria-labeledby="history-title">
      <h2 id="history-title">History<span class="count">{history.length || ""}</span></h2>
      <ol reversed>
        {[...history].reverse().slice(0, 100).map((step) => (
          <li key={step.n}>
            <span>{step.text}</span>
            <time class="faint" dateTime={step.time}>{new Date(step.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}
