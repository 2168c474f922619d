// The slices: where something is marked, how sure the network is, and which to look at next.

import type { JSX } from "preact";
import { useParts, usePick } from "./context";
import { CommandButton } from "./context";

const SURE = 0.85; // below it a bar is of the color that asks to look

export function Slices(): JSX.Element {
  const { studio } = useParts();
  const session = usePick((state) => state.session!);
  const at = usePick((state) => state.crosshair[state.session!.axis]!);
  const answered = new Set(session.answered);
  const boned = (n: number): boolean => session.bones.some((bone) => bone.slices.length > 0 && bone.slices[0]! <= n && n <= bone.slices[1]!);
  const pick = (event: MouseEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    studio.goTo(Math.min(session.slices - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * session.slices))));
  };
  return (
    <section aria-labeledby="slices-title">
      <h2 id="slices-title">Slices<span class="count">{at} / {session.slices - 1}</span></h2>
      <svg class="strip" viewBox={`0 0 ${session.slices} 30`} preserveAspectRatio="none" role="img" aria-label={`${answered.size} of ${session.slices} slices are answered, ${session.flagged.length} to look at`} onClick={pick}>
        {Array.from({ length: session.slices }, (_, n) => {
          const sure = session.slice_confidence[n] ?? null;
          if (!answered.has(n) && (sure === null || !boned(n))) return boned(n) ? <rect key={n} x={n + 0.08} width={0.84} y={24} height={6} class="boned" /> : null;
          const height = sure === null ? 12 : 5 + 25 * sure;
          return <rect key={n} x={n + 0.08} width={0.84} y={30 - height} height={height} class={sure !== null && sure < SURE ? "unsure" : "sure"} />;
        })}
        <rect x={at} width={1} y={0} height={30} class="here" />
      </svg>
      <input type="range" class="slider" min={0} max={session.slices - 1} value={at} aria-label="Slice" onInput={(e) => studio.goTo(Number(e.currentTarget.value))} />
      {session.flagged.length > 0 && (
        <div class="flags" role="group" aria-label="Slices to look at next">
          <span class="faint">Look at</span>
          {session.flagged.slice(0, 8).map((n) => (
            <button type="button" key={n} class={n === at ? "now" : ""} title={`Slice ${n}`} onClick={() => studio.goTo(n)}>
              {n}
              {session.slice_confidence[n] !== undefined && <small>{Math.round(session.slice_confidence[n]! * 100)}%</small>}
            </button>
          ))}
          <CommandButton name="nextFlagged" label="Next" />
        </div>
      )}
    </section>
  );
}
