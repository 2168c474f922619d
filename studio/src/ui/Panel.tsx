// The right side: the current mask, the bones, the slices, the history.

import type { ComponentChildren, JSX } from "preact";
import { CommandButton, usePick } from "./context";
import { Slices } from "./Slices";

export function Panel({ bones }: { bones: ComponentChildren }): JSX.Element {
  return (
    <aside class="panel" aria-label="Bones and slices">
      <CurrentMask />
      {bones}
      <Slices />
      <History />
    </aside>
  );
}

function CurrentMask(): JSX.Element {
  const slices = usePick((state) => state.session!.mask_slices);
  const warnings = usePick((state) => state.session!.input_warnings);
  const isUntouched = usePick((state) => state.session!.prompts.length === 0);
  const latency = usePick((state) => state.latencyMs);
  return (
    <section aria-labelledby="mask-title">
      <h2 id="mask-title">
        Current mask
        <span class="count" data-slices={slices.length}>
          {extentOf(slices)}
        </span>
        {latency !== null && (
          <span class="count" title="Time from the last click to its mask on the screen">
            {Math.round(latency)} ms
          </span>
        )}
      </h2>
      {warnings.length > 0 && isUntouched && <p class="warning">{warnings.join(" ")}</p>}
      <div class="buttons">
        <CommandButton name="automaticSlice" label="Slice" />
        <CommandButton name="automaticRange" label="Range" />
        <CommandButton name="automaticVolume" label="Volume" />
        <CommandButton name="propagate" label="Propagate" />
        <CommandButton name="keep" label="Keep this" />
        <CommandButton name="interpolate" label="Interpolate" />
        <CommandButton name="reset" label="Clear" />
        <CommandButton name="commit" label="Commit as a bone" primary class="two" />
      </div>
    </section>
  );
}

/** Return in words on which slices a mask is. */
function extentOf(slices: readonly number[]): string {
  if (slices.length === 0) return "empty";
  return slices.length === 1 ? `slice ${slices[0]}` : `${slices.length} slices, ${slices[0]} to ${slices.at(-1)}`;
}

function History(): JSX.Element {
  const history = usePick((state) => state.session!.history);
  return (
    <section class="history" aria-labelledby="history-title">
      <h2 id="history-title">
        History<span class="count">{history.length || ""}</span>
      </h2>
      <ol reversed>
        {[...history]
          .reverse()
          .slice(0, 100)
          .map((step) => (
            <li key={step.n}>
              <span>{step.text}</span>
              <time class="faint" dateTime={step.time}>
                {new Date(step.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false })}
              </time>
            </li>
          ))}
      </ol>
    </section>
  );
}
