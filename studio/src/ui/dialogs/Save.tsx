// Save: which formats, and whether also to the served folder; the files are then downloaded as one zip.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SavedFiles } from "../../api/types";
import { useParts, usePick } from "../context";
import { Modal } from "./Modal";

const FORMATS: Record<string, string> = {
  nifti: "NIfTI, with the label names as JSON",
  nrrd: "NRRD for 3D Slicer (.seg.nrrd)",
  metaimage: "MetaImage",
  "dicom-seg": "DICOM SEG, with SNOMED CT codes",
  stl: "STL surfaces",
  glb: "GLB surfaces, in color",
  statistics: "Volumes and extents as a table",
  preview: "Picture of all slices",
};

export function Save(): JSX.Element {
  const { studio } = useParts();
  const session = usePick((state) => state.session!);
  const isDicom = session.source.format.toLowerCase().includes("dicom");
  const [wanted, setWanted] = useState(new Set(isDicom ? ["nifti", "dicom-seg"] : ["nifti"]));
  const [folder, setFolder] = useState("");
  const [saved, setSaved] = useState<SavedFiles | null>(null);
  const [works, setWorks] = useState(false);
  const [error, setError] = useState("");
  const canFolder = usePick((state) => state.info?.folder ?? false);
  const count = session.bones.length;

  const save = async (): Promise<void> => {
    setWorks(true);
    setError("");
    try {
      const found = await studio.api.save(session.id, [...wanted], folder.trim() || undefined);
      setSaved(found);
      await studio.api.download(found.archive.download, found.archive.path);
    } catch (refused) {
      setError((refused as Error).message);
    } finally {
      setWorks(false);
    }
  };
  const toggle = (name: string): void => {
    const next = new Set(wanted);
    if (!next.delete(name)) next.add(name);
    setWanted(next);
  };

  return (
    <Modal title={`Save ${count === 1 ? "1 bone" : `${count} bones`}`}>
      {count === 0 && <p class="warn">No bones are committed yet. Press Esc, then Enter to commit the current mask.</p>}
      {count > 0 && session.mask_slices.length > 0 && (
        <p class="warn">The current mask is not saved: commit it as a bone first.</p>
      )}
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <Formats wanted={wanted} toggle={toggle} isDicom={isDicom} />
        {canFolder && (
          <label class="stack">
            <span>Also save to the served folder, with file names that begin with</span>
            <input
              type="text"
              placeholder="results/knee_bones (empty: download only)"
              value={folder}
              spellcheck={false}
              onInput={(e) => setFolder(e.currentTarget.value)}
            />
          </label>
        )}
        {error && (
          <p class="warn" role="alert">
            {error}
          </p>
        )}
        <div class="dialog-foot">
          <span class="faint">Downloads one zip</span>
          <span class="grow" />
          <button type="submit" class="primary" disabled={works || wanted.size === 0 || count === 0}>
            {works ? "Saving…" : "Save"}
          </button>
        </div>
      </form>
      {saved && <SavedList saved={saved} />}
    </Modal>
  );
}

function Formats(props: { wanted: Set<string>; toggle: (name: string) => void; isDicom: boolean }): JSX.Element {
  const formats = usePick((state) => state.info?.formats.save) ?? ["nifti"];
  return (
    <fieldset class="checks">
      <legend class="unseen">Formats</legend>
      {formats.map((name, n) => {
        const isImpossible = name === "dicom-seg" && !props.isDicom;
        return (
          <label key={name}>
            <input
              type="checkbox"
              data-first={n === 0 || undefined}
              checked={props.wanted.has(name)}
              disabled={isImpossible}
              onChange={() => props.toggle(name)}
            />
            <span>{FORMATS[name] ?? name}</span>
            {isImpossible && <span class="faint">the image is not DICOM</span>}
          </label>
        );
      })}
    </fieldset>
  );
}

function SavedList({ saved }: { saved: SavedFiles }): JSX.Element {
  const { studio } = useParts();
  return (
    <ul class="files" aria-label="Saved files">
      {[...saved.files, saved.archive].map((file) => (
        <li key={file.download}>
          <span>{file.path}</span>
          <span class="faint">{size(file.bytes)}</span>
          <button
            type="button"
            onClick={() => {
              const name = file.path.split("/").at(-1)!;
              void studio.api.download(file.download, name).catch((e) => studio.fail(e));
            }}
          >
            Download
          </button>
        </li>
      ))}
    </ul>
  );
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
