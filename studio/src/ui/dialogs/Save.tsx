// What to write, and where.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SavedFile } from "../../types";
import { useParts, usePick } from "../context";
import { Modal } from "./Modal";

const ABOUT: Record<string, string> = {
  nifti: "NIfTI, with the names as JSON",
  nrrd: "NRRD, as 3D Slicer takes it",
  metaimage: "MetaImage",
  "dicom-seg": "DICOM SEG, with SNOMED codes",
  stl: "STL surfaces",
  glb: "GLB surfaces, in color",
  statistics: "Volumes and extents as a table",
  preview: "A picture of all slices",
};

export function Save(): JSX.Element {
  const { studio } = useParts();
  const session = usePick((state) => state.session!);
  const formats = usePick((state) => state.info?.formats.save) ?? ["nifti"];
  const isDicom = session.source.format.toLowerCase().includes("dicom");
  const [wanted, setWanted] = useState(new Set(isDicom ? ["nifti", "dicom-seg"] : ["nifti"]));
  const [folder, setFolder] = useState("");
  const [files, setFiles] = useState<SavedFile[] | null>(null);
  const [works, setWorks] = useState(false);
  const [error, setError] = useState("");
  const canFolder = usePick((state) => state.info?.folder ?? false);

  const save = async (): Promise<void> => {
    setWorks(true);
    setError("");
    try {
      setFiles((await studio.api.save(session.id, [...wanted], folder.trim() || undefined)).files);
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
  const waiting = session.answered.length > 0;

  return (
    <Modal title={`Save ${session.bones.length === 1 ? "1 bone" : `${session.bones.length} bones`}`}>
      {session.bones.length === 0 && <p class="warn">No bone has been accepted yet. Close this, and press Enter to accept the answer as a bone.</p>}
      {session.bones.length > 0 && waiting && <p class="warn">The answer that is not accepted yet is not saved in these files.</p>}
      <form onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}>
        <fieldset class="checks">
          <legend class="unseen">Formats</legend>
          {formats.map((name, n) => (
            <label key={name}>
              <input type="checkbox" data-first={n === 0 || undefined} checked={wanted.has(name)} disabled={name === "dicom-seg" && !isDicom} onChange={() => toggle(name)} />
              <span>{ABOUT[name] ?? name}</span>
              {name === "dicom-seg" && !isDicom && <span class="faint">the image is not DICOM</span>}
            </label>
          ))}
        </fieldset>
        {canFolder && (
          <label class="stack">
            <span>Also into the folder that is served, beginning with</span>
            <input type="text" placeholder="results/knee_bones (left empty: download only)" value={folder} spellcheck={false} onInput={(e) => setFolder(e.currentTarget.value)} />
          </label>
        )}
        {error && <p class="warn" role="alert">{error}</p>}
        <div class="dialog-foot">
          <span class="grow" />
          <button type="submit" class="primary" disabled={works || wanted.size === 0 || session.bones.length === 0}>{works ? "Writing ..." : "Save"}</button>
        </div>
      </form>
      {files && (
        <ul class="files" aria-label="Files that were saved">
          {files.map((file) => (
            <li key={file.download}>
              <span>{file.path}</span>
              <span class="faint">{size(file.bytes)}</span>
              <button type="button" onClick={() => void studio.api.download(file).catch((e) => studio.fail(e))}>Download</button>
            </li>
          ))}
        </ul>
      )}
    </Modal>
  );
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
