// Keys: how they are named in the list of commands, and the controller that runs those commands.

import type { Studio } from "../session/studio";
import { COMMANDS, type CommandName, can, command } from "./commands";
import type { Tools } from "./tools";

/** Return the name of a key press: "Ctrl+Shift+z", "?", "Space". */
export function pressed(
  event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">,
): string {
  let key = event.key === " " ? "Space" : event.key;
  // With Alt some systems type other characters, so the physical key counts.
  if (event.altKey && /^Key[A-Z]$/.test(event.code)) key = event.code.slice(3).toLowerCase();
  const letter = /^[a-z]$/i.test(key);
  if (letter) key = key.toLowerCase();
  const parts = [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : ""];
  if (event.shiftKey && (letter || key.length > 1)) parts.push("Shift");
  return [...parts.filter(Boolean), key].join("+");
}

/** Return the command of a key; null where it has none. */
export function commandOf(key: string): CommandName | null {
  return BY_KEY.get(key) ?? null;
}

const BY_KEY = new Map<string, CommandName>(
  (Object.keys(COMMANDS) as CommandName[]).flatMap((name) => command(name).keys.map((key) => [key, name] as const)),
);

const KEY_LABELS: Record<string, string> = {
  Escape: "Esc",
  ArrowLeft: "\u2190",
  ArrowRight: "\u2192",
  ArrowUp: "\u2191",
  ArrowDown: "\u2193",
  PageUp: "PgUp",
  PageDown: "PgDn",
  Backspace: "\u232b",
  Delete: "Del",
};

/** Return a key as people read it. */
export function keyLabel(key: string): string {
  return key
    .split(/\+(?=.)/)
    .map((part) => KEY_LABELS[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join("+");
}

/** Runs the command of each key, except keys that a field or a dialog needs. */
export class KeyboardController {
  constructor(
    private readonly studio: Studio,
    private readonly tools: Tools,
  ) {
    window.addEventListener("keydown", (event) => this.down(event));
  }

  private down(event: KeyboardEvent): void {
    if (this.studio.state.dialog || event.isComposing || event.defaultPrevented) return;
    const name = commandOf(pressed(event));
    if (!name || belongsTo(event.target as HTMLElement, event)) return;
    event.preventDefault();
    if (can(name, this.studio)) command(name).run(this.studio, this.tools);
  }
}

function belongsTo(target: HTMLElement, event: KeyboardEvent): boolean {
  if (target.matches("input[type=range]"))
    return event.key.startsWith("Arrow") || ["Home", "End", "PageUp", "PageDown"].includes(event.key);
  if (target.matches("input:not([type=checkbox]), textarea, select")) return !event.ctrlKey;
  return target.matches("button, a, summary, input[type=checkbox]") && ["Enter", " "].includes(event.key);
}
