// The slices: where something is marked, with which confidence, and which slices are flagged for review.

import type { JSX } from "preact";
import type { Session } from "../api/types";
import { CommandButton, useParts, usePick } from "./context";

const MOST_FLAGS = 8; // that have a button

export function Slices(): JSX.Element {
  const session = usePick((state) => state.session!);
  const at = usePick((state) => state.crosshair[state.session!.axis]!);
  const { studio } = useParts();
  return (
    <section aria-labelledby="slices-title">
      <h2 id="slices-title">
        Slices
        <span class="count">
          {at} / {session.slices - 1}
        </span>
      </h2>
      <Strip session={session} at={at} />
      <input
        type="range"
        class="slider"
        min={0}
        max={session.slices - 1}
        value={at}
        aria-label="Slice"
        onInput={(e) => studio.goTo(Number(e.currentTarget.value))}
      />
      {session.flagged.length > 0 && <Flags session={session} at={at} />}
    </section>
  );
}

export interface Bar {
  height: number;
  kind: "confident" | "flagged" | "committed";
}

const STRIP_HEIGHT = 30;

/** Return the bar of a slice: as high as its confidence; null where nothing is marked. */
export function barOf(session: Session, slice: number): Bar | null {
  const confidence = session.slice_confidence[slice] ?? null;
  const isCommitted = session.bones.some(({ slices: [first, last] }) => first! <= slice && slice <= last!);
  const isMarked = session.mask_slices.includes(slice);
  if (!isMarked && !isCommitted) return null;
  if (confidence === null) return isMarked ? { height: 12, kind: "confident" } : { height: 6, kind: "committed" };
  const isLow = session.flag_below !== null && confidence < session.flag_below;
  return { height: 5 + (STRIP_HEIGHT - 5) * confidence, kind: isLow ? "flagged" : "confident" };
}

function Strip({ session, at }: { session: Session; at: number }): JSX.Element {
  const { studio } = useParts();
  const pick = (event: MouseEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const slice = Math.floor(((event.clientX - box.left) / box.width) * session.slices);
    studio.goTo(Math.min(session.slices - 1, Math.max(0, slice)));
  };
  const label = `${session.mask_slices.length} of ${session.slices} slices are marked, ${session.flagged.length} flagged`;
  return (
    <svg
      class="strip"
      viewBox={`0 0 ${session.slices} ${STRIP_HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
      onClick={pick}
    >
      {Array.from({ length: session.slices }, (_, n) => {
        const bar = barOf(session, n);
        if (!bar) return null;
        const y = STRIP_HEIGHT - bar.height;
        return <rect key={n} x={n + 0.08} width={0.84} y={y} height={bar.height} class={bar.kind} />;
      })}
      <rect x={at} width={1} y={0} height={STRIP_HEIGHT} class="here" />
    </svg>
  );
}

function Flags({ session, at }: { session: Session; at: number }): JSX.Element {
  const { studio } = useParts();
  return (
    <fieldset class="flags" aria-label="Flagged slices">
      <span class="faint" title={`Confidence below ${percent(session.flag_below ?? 0)}`}>
        Flagged
      </span>
      {session.flagged.slice(0, MOST_FLAGS).map((n) => (
        <button type="button" key={n} class={n === at ? "now" : ""} title={`Slice ${n}`} onClick={() => studio.goTo(n)}>
          {n}
          {session.slice_confidence[n] !== undefined && <small>{percent(session.slice_confidence[n]!)}</small>}
        </button>
      ))}
      <CommandButton name="nextFlagged" label="Next" />
    </fieldset>
  );
}

function percent(fraction: number): string {
  return `${Math.round(fraction * 100)}%`;
}
