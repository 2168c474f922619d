// The header: the open image, window, masks, layout, open and save.

import type { JSX } from "preact";
import { LAYOUTS, type LayoutName } from "../view/layouts";
import { WINDOW_PRESETS, type WindowPreset } from "../view/window";
import { CommandButton, useParts, usePick } from "./context";
import { Icon } from "./icons";

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
            <span class="faint">
              {session.source.format}, {session.shape.join(" x ")}
            </span>
          </span>
          <Compare />
          <span class="grow" />
          <WindowMenu />
          <Masks />
          <fieldset class="group" aria-label="Layout">
            {(Object.keys(LAYOUTS) as LayoutName[]).map((name) => (
              <CommandButton key={name} name={name} icon={<Icon name={name} />} pressed={layout === name} />
            ))}
          </fieldset>
          <CommandButton name="open" label="Open" />
          <CommandButton name="save" label="Save" primary />
        </>
      ) : (
        <>
          <span class="grow" />
          <CommandButton name="theme" icon={<Icon name="theme" />} />
          <CommandButton name="help" label="Help" />
        </>
      )}
    </header>
  );
}

function Compare(): JSX.Element | null {
  const { studio } = useParts();
  const others = usePick((state) => state.session?.other_series ?? null);
  const compared = usePick((state) => state.compared);
  if (!others?.length) return null;
  return (
    <label class="inline">
      <span class="faint">Compare with:</span>
      <select
        value={compared?.key ?? ""}
        aria-label="Compare with another series"
        onChange={(e) => void studio.compareWith(e.currentTarget.value || null)}
      >
        <option value="">none</option>
        {others.map((one) => (
          <option key={one.key} value={one.key}>
            {one.description || one.key}
          </option>
        ))}
      </select>
    </label>
  );
}

function WindowMenu(): JSX.Element {
  const { studio } = useParts();
  return (
    <select
      class="window"
      value=""
      aria-label="Window preset"
      title="Window and level: choose a preset, or drag with the right button"
      onChange={(e) => {
        studio.setWindowPreset(e.currentTarget.value as WindowPreset);
        e.currentTarget.value = "";
      }}
    >
      <option value="" disabled hidden>
        Window
      </option>
      {(Object.keys(WINDOW_PRESETS) as WindowPreset[]).map((preset) => (
        <option key={preset} value={preset}>
          {WINDOW_PRESETS[preset]}
        </option>
      ))}
    </select>
  );
}

function Masks(): JSX.Element {
  const { studio } = useParts();
  const overlay = usePick((state) => state.overlay);
  return (
    <fieldset class="group" aria-label="Masks">
      <CommandButton name="mask" icon={<Icon name={overlay.shown ? "eye" : "hidden"} />} pressed={overlay.shown} />
      <CommandButton name="outline" label="Outline" pressed={overlay.outline} />
      <CommandButton name="heat" label="Heat map" pressed={overlay.heat} />
      <input
        type="range"
        min="0.1"
        max="1"
        step="0.05"
        value={overlay.opacity}
        aria-label="Opacity of masks"
        title="Opacity of masks ({ and })"
        onInput={(e) => studio.setOverlay({ opacity: Number(e.currentTarget.value), outline: false })}
      />
    </fieldset>
  );
}
