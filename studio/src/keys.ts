// Keys: what was pressed, as it is written in the list of commands.

import { can, COMMANDS, command, type CommandName } from "./commands";
import type { Studio } from "./studio";
import type { Hand } from "./tools/tools";

/** The name of what was pressed: "Ctrl+Shift+z", "?", "Space". */
export function pressed(event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  let key = event.key === " " ? "Space" : event.key;
  if (event.altKey && /^Key[A-Z]$/.test(event.code)) key = event.code.slice(3); // some systems write signs with Alt
  const letter = /^[a-z]$/i.test(key);
  if (letter) key = key.toLowerCase();
  const parts = [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : ""];
  if (event.shiftKey && (letter || key.length > 1)) parts.push("Shift");
  return [...parts.filter(Boolean), key].join("+");
}

/** The command of a key; null where it has none. */
export function commandOf(key: string): CommandName | null {
  return BY_KEY.get(key) ?? null;
}

const BY_KEY = new Map<string, CommandName>(
  (Object.keys(COMMANDS) as CommandName[]).flatMap((name) => command(name).keys.map((key) => [key, name] as const)),
);

/** A key as people read it. */
export function shown(key: string): string {
  const names: Record<string, string> = { Escape: "Esc", ArrowLeft: "\u2190", ArrowRight: "\u2192", ArrowUp: "\u2191", ArrowDown: "\u2193", PageUp: "PgUp", PageDown: "PgDn", Backspace: "\u232b", Delete: "Del" };
  return key
    .split(/\+(?=.)/)
    .map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join("+");
}

/** Listens to keys, but for those that a field or a dialog needs. */
export function listenToKeys(studio: Studio, hand: Hand): void {
  window.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (studio.state.dialog || event.isComposing || event.defaultPrevented) return;
    const name = commandOf(pressed(event));
    if (!name) return;
    if (belongsTo(target, event)) return;
    event.preventDefault();
    if (can(name, studio)) command(name).run(studio, hand);
  });
}

function belongsTo(target: HTMLElement, event: KeyboardEvent): boolean {
  if (target.matches("input[type=range]")) return event.key.startsWith("Arrow") || ["Home", "End", "PageUp", "PageDown"].includes(event.key);
  if (target.matches("input:not([type=checkbox]), textarea, select")) return !event.ctrlKey;
  return target.matches("button, a, summary, input[type=checkbox]") && ["Enter", " "].includes(event.key);
}
