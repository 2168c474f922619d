// From which slice to which.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useParts, usePick } from "../context";
import { Modal } from "./Modal";

const TITLES = {
  automatic: "Segment all bone on a range of slices",
  propagate: "Propagate the current mask over a range",
  interpolate: "Interpolate over a range",
};

export function Range({ verb }: { verb: keyof typeof TITLES }): JSX.Element {
  const { studio } = useParts();
  const session = usePick((state) => state.session!);
  const at = studio.state.crosshair[session.axis]!;
  const marked = session.mask_slices;
  const [first, setFirst] = useState(verb === "automatic" ? Math.max(0, at - 3) : (marked[0] ?? 0));
  const [last, setLast] = useState(
    verb === "automatic"
      ? Math.min(session.slices - 1, at + 3)
      : verb === "interpolate"
        ? (marked.at(-1) ?? 0)
        : session.slices - 1,
  );
  const field = (label: string, value: number, set: (n: number) => void, isFirst: boolean): JSX.Element => (
    <label class="inline">
      {label}
      <input
        type="number"
        data-first={isFirst || undefined}
        min={0}
        max={session.slices - 1}
        value={value}
        onInput={(e) => set(Number(e.currentTarget.value))}
      />
    </label>
  );
  return (
    <Modal title={TITLES[verb]}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          studio.store.set({ dialog: null });
          void studio.act(verb, { first: Math.min(first, last), last: Math.max(first, last) });
        }}
      >
        <div class="row">
          {field("Slice", first, setFirst, true)}
          {field("to", last, setLast, false)}
          <span class="faint">of 0 to {session.slices - 1}</span>
        </div>
        <div class="dialog-foot">
          <span class="grow" />
          <button type="submit" class="primary">
            Go
          </button>
        </div>
      </form>
    </Modal>
  );
}
