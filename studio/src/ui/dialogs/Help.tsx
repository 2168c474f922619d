// All keys, made from the list of commands.

import type { JSX } from "preact";
import { COMMANDS, type CommandName, command, type Group } from "../../input/commands";
import { keyLabel } from "../../input/keyboard";
import { usePick } from "../context";
import { Modal } from "./Modal";

const MOUSE: [string, string][] = [
  ["Left button", "the tool: bone"],
  ["Right button, Alt or Shift", "the tool: not bone"],
  ["Drag with the right button", "window and level (Ctrl and drag, where the tool needs it)"],
  ["Wheel", "slices"],
  ["Ctrl and wheel", "zoom"],
  ["Middle button", "move the image"],
  ["In 3-D", "drag turns, wheel zooms"],
];

export function Help(): JSX.Element {
  const info = usePick((state) => state.info);
  const names = (Object.keys(COMMANDS) as CommandName[]).filter((name) => command(name).title);
  const groups = [...new Set(names.map((name) => command(name).group))] as Group[];
  const keysOf = (group: Group): JSX.Element => (
    <section key={group}>
      <h2>{group}</h2>
      <dl>
        {names
          .filter((name) => command(name).group === group)
          .map((name) => (
            <div key={name}>
              <dt>
                {command(name).keys.map((key) => (
                  <kbd key={key}>{keyLabel(key)}</kbd>
                ))}
              </dt>
              <dd>{command(name).title}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
  return (
    <Modal title="Keys and mouse" wide>
      <div class="help" tabIndex={0} data-first role="region" aria-label="Keys and mouse">
        {groups.slice(0, 2).map(keysOf)}
        <section>
          <h2>Mouse</h2>
          <dl>
            {MOUSE.map(([what, does]) => (
              <div key={what}>
                <dt>{what}</dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
        {groups.slice(2).map(keysOf)}
      </div>
      <p class="faint">
        anybone {info?.version}, {info?.method}, {info?.license}. For research only, not a medical device.{" "}
        <a href="./assets/LICENSES.txt" target="_blank" rel="noreferrer">
          Licenses of the libraries in this page
        </a>
      </p>
    </Modal>
  );
}
