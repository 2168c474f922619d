// How components see the state: each re-renders only when what it picked differs.

import { createContext } from "preact";
import { useContext, useEffect, useReducer, useRef } from "preact/hooks";
import type { State } from "../state";
import type { Studio } from "../studio";
import type { Hand } from "../tools/tools";
import { can, command, type CommandName } from "../commands";
import { shown } from "../keys";

export interface Parts {
  studio: Studio;
  hand: Hand;
}

export const Context = createContext<Parts>(null as unknown as Parts);

export function useParts(): Parts {
  return useContext(Context);
}

/** What is picked from the state. */
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
    look(); // effects run after painting: it may have changed since
    return studio.store.subscribe(look);
  }, [studio]);
  return value;
}

/** A button that does a command, with its key in the tooltip. */
export function CommandButton(props: { name: CommandName; label?: string; icon?: preact.ComponentChildren; pressed?: boolean; primary?: boolean; class?: string }): preact.JSX.Element {
  const { studio, hand } = useParts();
  const enabled = usePick(() => can(props.name, studio));
  const { title, keys } = command(props.name);
  const hint = keys.length ? `${title} (${shown(keys[0]!)})` : title;
  return (
    <button
      type="button"
      class={`${props.primary ? "primary" : ""} ${props.class ?? ""}`}
      title={hint}
      aria-label={props.label ? undefined : title}
      aria-keyshortcuts={keys[0]?.replace("Ctrl", "Control")}
      aria-pressed={props.pressed}
      disabled={!enabled}
      onClick={() => command(props.name).run(studio, hand)}
    >
      {props.icon}
      {props.label}
    </button>
  );
}
