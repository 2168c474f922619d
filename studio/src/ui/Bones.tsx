// The committed bones.

import type { JSX } from "preact";
import type { Bone } from "../api/types";
import { CommandButton, useParts, usePick } from "./context";
import { Icon } from "./icons";

export function Bones(): JSX.Element {
  const bones = usePick((state) => state.session!.bones);
  const selected = usePick((state) => state.selected);
  return (
    <section class="bones" aria-labelledby="bones-title">
      <h2 id="bones-title">
        Bones<span class="count">{bones.length || ""}</span>
      </h2>
      {bones.length === 0 ? (
        <p class="faint empty">Click on a bone, correct its mask, then commit it with Enter.</p>
      ) : (
        <div class="bones-list">
          <table>
            <thead>
              <tr>
                <th scope="col">
                  <span class="unseen">Shown</span>
                </th>
                <th scope="col">Name</th>
                <th scope="col" class="number">
                  ml
                </th>
                <th scope="col" class="number" title="Extent along the axes of the scan">
                  mm
                </th>
                <th scope="col" class="number" title="Confidence: the Dice coefficient that the network expects">
                  Confidence
                </th>
              </tr>
            </thead>
            <tbody>
              {bones.map((bone) => (
                <Row key={bone.label} bone={bone} selected={selected.has(bone.label)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {bones.length > 0 && (
        <div class="buttons small">
          <CommandButton name="edit" label="Edit" />
          <CommandButton name="rename" label="Rename" />
          <CommandButton name="split" label="Split" />
          <CommandButton name="merge" label="Merge" />
          <CommandButton name="remove" label="Remove" />
        </div>
      )}
    </section>
  );
}

function Row({ bone, selected }: { bone: Bone; selected: boolean }): JSX.Element {
  const { studio } = useParts();
  const hidden = usePick((state) => state.hidden.has(bone.label));
  return (
    <tr
      class={selected ? "selected" : ""}
      onClick={(e) => studio.selectBone(bone.label, e.ctrlKey || e.shiftKey || e.metaKey)}
      onDblClick={() => studio.store.set({ dialog: { kind: "rename", label: bone.label } })}
    >
      <td>
        <button
          type="button"
          class="swatch"
          aria-pressed={!hidden}
          aria-label={`Show ${bone.name}`}
          title={hidden ? "Show" : "Hide"}
          style={{ "--color": bone.color }}
          onClick={(e) => {
            e.stopPropagation();
            studio.setHidden(bone.label, !hidden);
          }}
        >
          <Icon name={hidden ? "hidden" : "eye"} />
        </button>
      </td>
      <td>
        <button
          type="button"
          class="name"
          aria-pressed={selected}
          title="Select; Ctrl+click selects several"
          onClick={(e) => {
            e.stopPropagation();
            studio.selectBone(bone.label, e.ctrlKey || e.shiftKey || e.metaKey);
          }}
        >
          {bone.name}
        </button>
      </td>
      <td class="number">{bone.volume_ml.toFixed(bone.volume_ml < 10 ? 2 : 1)}</td>
      <td class="number extent">{bone.extent_mm.map((mm) => Math.round(mm)).join("\u00d7")}</td>
      <td class="number">{bone.confidence === null ? "\u2013" : `${Math.round(bone.confidence * 100)}%`}</td>
    </tr>
  );
}
