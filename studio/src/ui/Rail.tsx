// The tools, on the left.

import type { JSX } from "preact";
import { TOOLS } from "../input/tools";
import type { ToolName } from "../session/store";
import { CommandButton, useParts, usePick } from "./context";
import { Icon } from "./icons";

export function Rail(): JSX.Element {
  const tool = usePick((state) => state.tool);
  const paints = tool === "brush" || tool === "eraser";
  return (
    <nav class="rail" aria-label="Tools">
      {(Object.keys(TOOLS) as ToolName[]).map((name) => (
        <CommandButton key={name} name={name} icon={<Icon name={name} />} pressed={tool === name} class="tool" />
      ))}
      {paints && <BrushSize />}
      <span class="grow" />
      <CommandButton name="undo" icon={<Icon name="undo" />} class="tool" />
      <CommandButton name="redo" icon={<Icon name="redo" />} class="tool" />
      <CommandButton name="theme" icon={<Icon name="theme" />} class="tool" />
      <CommandButton name="help" icon={<Icon name="help" />} class="tool" />
    </nav>
  );
}

function BrushSize(): JSX.Element {
  const { studio } = useParts();
  const mm = usePick((state) => state.brushMm);
  return (
    <label class="brush-size" title="Brush diameter ([ and ])">
      <input
        type="range"
        min="0.5"
        max="40"
        step="0.5"
        value={mm}
        aria-label="Brush diameter in mm"
        onInput={(e) => studio.store.set({ brushMm: Number(e.currentTarget.value) })}
      />
      <span>{mm} mm</span>
    </label>
  );
}
