// How components read the state: each renders again only when the part that it picked changes.

import { createContext } from "preact";
import { useContext, useEffect, useReducer, useRef } from "preact/hooks";
import { type CommandName, can, command } from "../input/commands";
import { keyLabel } from "../input/keyboard";
import type { Tools } from "../input/tools";
import type { State } from "../session/store";
import type { Studio } from "../session/studio";

export interface Parts {
  studio: Studio;
  tools: Tools;
}

export const Context = createContext<Parts>(null as unknown as Parts);

export function useParts(): Parts {
  return useContext(Context);
}

/** Return a part of the state; the component renders again when it changes. */
export function usePick<T>(pick: (state: State) => T): T {
  const { studio } = useParts();
  const [, again] = useReducer((n: number) => n + 1, 0);
  const value = pick(studio.state);
  const last = useRef({ pick, value });
  last.current = { pick, value };
  useEffect(() => {
    const look = (): void => {
      if (last.current.pick(studio.state) !== last.current.value) again(0);
    };
    look(); // effects run after painting, so the state may have changed since
    return studio.store.subscribe(look);
  }, [studio]);
  return value;
}

/** A button that runs a command, with its key in the tooltip. */
export function CommandButton(props: {
  name: CommandName;
  label?: string;
  icon?: preact.ComponentChildren;
  pressed?: boolean;
  primary?: boolean;
  class?: string;
}): preact.JSX.Element {
  const { studio, tools } = useParts();
  const enabled = usePick(() => can(props.name, studio));
  const { title, keys } = command(props.name);
  const hint = keys.length ? `${title} (${keyLabel(keys[0]!)})` : title;
  return (
    <button
      type="button"
      class={`${props.primary ? "primary" : ""} ${props.class ?? ""}`}
      title={hint}
      aria-label={props.label ? undefined : title}
      aria-keyshortcuts={keys[0]?.replace("Ctrl", "Control")}
      aria-pressed={props.pressed}
      disabled={!enabled}
      onClick={() => command(props.name).run(studio, tools)}
    >
      {props.icon}
      {props.label}
    </button>
  );
}
