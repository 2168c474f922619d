// The name of a bone: a search while typing.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Bone, BoneChoice, Side } from "../../api/types";
import { useParts } from "../context";
import { Modal } from "./Modal";

export function BoneName({ bone }: { bone: Bone | null }): JSX.Element {
  const { studio } = useParts();
  const [query, setQuery] = useState(bone?.name ?? "");
  const [wanted, setWanted] = useState(""); // a bone's present name asks for nothing until one types
  const [found, setFound] = useState<{ of: string | null; choices: BoneChoice[] }>({ of: null, choices: [] });
  const [at, setAt] = useState(0);
  const [side, setSide] = useState<Side | "">((bone?.side as Side | null | undefined) ?? "");
  const [color, setColor] = useState(bone?.color ?? "");
  const touched = useRef(false);
  const entered = useRef(false); // Enter came before the list of what is typed: it waits for that list
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    const stop = new AbortController();
    studio.api.bones(wanted, stop.signal).then(
      (all) => setFound({ of: wanted, choices: all.slice(0, 60) }),
      (error) => {
        if (stop.signal.aborted) return; // something else was typed meanwhile
        entered.current = false;
        studio.fail(error);
      },
    );
    return () => stop.abort();
  }, [wanted]);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at, found]);

  const own = query.trim();
  const { choices } = found;
  const late = found.of !== wanted;
  const nth = Math.min(at, choices.length - 1);
  const chosen = !late && (touched.current || !bone) ? choices[nth] : undefined;

  const finish = (choice: BoneChoice | undefined): void => {
    const naming = choice ? { bone: choice.key } : own ? { name: own, side: side || null } : null;
    if (!naming) return;
    const body = { ...naming, ...(color ? { color } : {}) };
    studio.store.set({ dialog: null });
    void (bone
      ? studio.act("rename", { label: bone.label, ...body })
      : studio.act("commit", body).then((done) => {
          const made = studio.session.bones.at(-1);
          if (done && made)
            studio.store.notify("done", `${made.name}: ${made.volume_ml.toFixed(1)} ml. Click on the next bone.`);
        }));
  };

  useEffect(() => {
    if (entered.current && !late) finish(chosen);
  }, [late]);

  const key = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    touched.current = true;
    if (late) setAt(Math.max(0, at + by));
    else if (choices.length) setAt((nth + by + choices.length) % choices.length);
  };

  return (
    <Modal title={bone ? `Rename ${bone.name}` : "Name the bone"}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (late) entered.current = true;
          else finish(chosen);
        }}
      >
        <input
          data-first
          class="search"
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="bone-choices"
          aria-activedescendant={chosen ? `bone-${chosen.key}` : undefined}
          aria-label="Name of the bone"
          placeholder="femur, hip, L4 ..."
          autocomplete="off"
          spellcheck={false}
          value={query}
          onInput={(e) => {
            touched.current = true;
            entered.current = false;
            setAt(0);
            setQuery(e.currentTarget.value);
            setWanted(e.currentTarget.value);
          }}
          onKeyDown={key}
        />
        <ul id="bone-choices" role="listbox" aria-label="Bones" class="choices" ref={list}>
          {choices.map((choice, n) => (
            <li
              key={choice.key}
              id={`bone-${choice.key}`}
              role="option"
              aria-selected={choice === chosen}
              onMouseDown={(e) => e.preventDefault()}
              onClick={() => finish(choice)}
              onMouseMove={() => touched.current && setAt(n)}
            >
              <span class="dot" style={{ background: choice.color }} />
              <span>{choice.name}</span>
              <span class="faint code">
                {choice.snomed.meaning?.replace(/^Bone structure of | \(body structure\)$/g, "")} {choice.snomed.code}
              </span>
            </li>
          ))}
          {choices.length === 0 && !late && (
            <li class="faint none">No bone in the list matches. Enter uses the name as typed.</li>
          )}
        </ul>
        <details>
          <summary>Custom name, side or color</summary>
          <div class="row">
            <label class="inline">
              Side
              <select value={side} onChange={(e) => setSide(e.currentTarget.value as Side | "")}>
                <option value="">none</option>
                <option value="left">left</option>
                <option value="right">right</option>
              </select>
            </label>
            <label class="inline">
              Color
              <input
                type="color"
                value={color || chosen?.color || "#ffb000"}
                onInput={(e) => setColor(e.currentTarget.value)}
              />
            </label>
            <button type="button" disabled={!own} onClick={() => finish(undefined)}>
              Use the name &ldquo;{own || "..."}&rdquo;
            </button>
          </div>
        </details>
        <div class="dialog-foot">
          <span class="faint">Arrows choose, Enter confirms</span>
          <span class="grow" />
          <button type="submit" class="primary" disabled={!chosen && !own && !late}>
            {bone ? "Rename" : "Commit"}
            {chosen ? ` as ${chosen.name}` : ""}
          </button>
        </div>
      </form>
    </Modal>
  );
}
