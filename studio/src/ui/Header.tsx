// The top line: what is open, how it is laid out, window, save.

import type { JSX } from "preact";
import { CommandButton, useParts, usePick } from "./context";
import { Icon } from "./icons";
import { LAYOUTS, type LayoutName } from "../view/layouts";

export function Header(): JSX.Element {
  const session = usePick((state) => (state.phase === "ready" ? state.session : null));
  const layout = usePick((state) => state.layout);
  return (
    <header class="top">
      <span class="brand">
        <img src="./favicon.svg" alt="" width="20" height="20" />
        anybone
      </span>
      {session ? (
        <>
          <span class="what" title={[session.source.path, ...session.source.notes].join("\n")}>
            <strong>{session.name}</strong>
            <span class="faint">{session.source.format}, {session.shape.join(" x ")}</span>
          </span>
          <Beside />
          <span class="grow" />
          <Looks />
          <span class="group" role="group" aria-label="Layout">
            {(Object.keys(LAYOUTS) as LayoutName[]).map((name) => (
              <CommandButton key={name} name={name} icon={<Icon name={name} />} pressed={layout === name} />
            ))}
          </span>
          <CommandButton name="open" label="Open" />
          <CommandButton name="save" label="Save" primary />
        </>
      ) : (
        <>
          <span class="grow" />
          <CommandButton name="help" label="Help" />
        </>
      )}
    </header>
  );
}

function Beside(): JSX.Element | null {
  const { studio } = useParts();
  const others = usePick((state) => state.session?.other_series ?? null);
  const beside = usePick((state) => state.beside);
  if (!others?.length) return null;
  const value = beside ? (others.find((one) => one.description === beside.name || one.key === beside.name)?.key ?? "") : "";
  return (
    <label class="inline">
      <span class="faint">Beside</span>
      <select value={value} aria-label="Second series beside this one" onChange={(e) => void studio.showBeside(e.currentTarget.value || null)}>
        <option value="">nothing</option>
        {others.map((one) => (
          <option key={one.key} value={one.key}>{one.description || one.key}</option>
        ))}
      </select>
    </label>
  );
}

function Looks(): JSX.Element {
  const { studio } = useParts();
  const overlay = usePick((state) => state.overlay);
  return (
    <span class="group" role="group" aria-label="Marks">
      <CommandButton name="mask" icon={<Icon name={overlay.shown ? "eye" : "hidden"} />} pressed={overlay.shown} />
      <CommandButton name="outline" label="Outline" pressed={overlay.outline} />
      <CommandButton name="heat" label="Heat" pressed={overlay.heat} />
      <input
        type="range"
        min="0.1"
        max="1"
        step="0.05"
        value={overlay.opacity}
        aria-label="Opacity of the marks"
        title="Opacity of the marks ({ and })"
        onInput={(e) => studio.setOverlay({ opacity: Number(e.currentTarget.value), outline: false })}
      />
    </span>
  );
}
