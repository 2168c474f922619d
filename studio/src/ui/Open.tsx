// What can be opened: sessions to go on with, the folder that is served, files that are dropped.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Studio } from "../studio";
import type { Entry, Folder, Series, SessionRow } from "../types";
import { useParts, usePick } from "./context";
import { Icon } from "./icons";
import { dropped } from "../drop";

export function Open(): JSX.Element {
  const served = usePick((state) => state.info?.folder ?? false);
  return (
    <div class="open">
      <Sessions />
      {served && <Files />}
      <Drop />
    </div>
  );
}

function Sessions(): JSX.Element | null {
  const rows = usePick((state) => state.rows);
  if (!rows?.length) return null;
  return (
    <section aria-labeledby="sessions-title">
      <h2 id="sessions-title">Go on with</h2>
      <ul class="rows">
        {rows.map((row) => <Row key={row.id} row={row} />)}
      </ul>
    </section>
  );
}

function Files(): JSX.Element {
  const { studio } = useParts();
  const [folder, setFolder] = useState<Folder | null>(null);
  const [path, setPath] = useState("");
  const go = (to: string): void =>
    void studio.api.files(to).then(
      (found) => {
        setFolder(found);
        setPath(found.path === "." ? "" : found.path);
      },
      (error) => studio.fail(error),
    );
  useEffect(() => go(""), []);
  const choose = (entry: Entry): void => (entry.kind === "folder" ? go(entry.path) : void studio.choose(entry.path));
  const up = path.split("/").slice(0, -1).join("/");
  return (
    <section aria-labeledby="files-title">
      <h2 id="files-title">Open</h2>
      <form class="row" onSubmit={(e) => {
        e.preventDefault();
        if (path.trim()) void studio.choose(path.trim());
      }}>
        <input type="text" class="search" aria-label="Path below the served folder" placeholder="path of a file, or of a folder of DICOM" value={path} spellcheck={false} onInput={(e) => setPath(e.currentTarget.value)} />
        <button type="submit" disabled={!path.trim()}>Open</button>
      </form>
      <ul class="rows files-list">
        {folder && folder.path !== "" && folder.path !== "." && <li><button type="button" class="line" onClick={() => go(up)}><Icon name="folder" /><span>..</span></button></li>}
        {folder?.entries.map((entry) => (
          <li key={entry.path}>
            <button type="button" class="line" onClick={() => choose(entry)}>
              {entry.kind === "folder" ? <Icon name="folder" /> : <span class={`kind ${entry.kind}`}>{KINDS[entry.kind]}</span>}
              <span>{entry.name}</span>
              <span class="faint">{entry.kind === "folder" ? "" : size(entry.size)}</span>
            </button>
            {entry.kind === "folder" && <button type="button" class="quiet" title="Open the folder as DICOM" onClick={() => void studio.choose(entry.path)}>DICOM</button>}
          </li>
        ))}
      </ul>
      {folder?.entries.length === 0 && <p class="faint">There is nothing here that can be opened.</p>}
    </section>
  );
}

const KINDS: Record<Entry["kind"], string> = { folder: "", image: "image", dicom: "dicom", bones: "mask" };

function Drop(): JSX.Element {
  const { studio } = useParts();
  const file = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  useEffect(() => folder.current?.setAttribute("webkitdirectory", ""), []);
  const take = (list: FileList | null): void => void studio.upload(dropped([...(list ?? [])]));
  return (
    <section class="drop" aria-labeledby="drop-title">
      <h2 id="drop-title">From this computer</h2>
      <p>Drop NIfTI, NRRD, MetaImage, a folder of DICOM or a zip of it anywhere on the page.</p>
      <div class="row">
        <button type="button" onClick={() => file.current!.click()}>Choose files</button>
        <button type="button" onClick={() => folder.current!.click()}>Choose a folder</button>
        <input ref={file} type="file" multiple hidden aria-label="Files" onChange={(e) => take(e.currentTarget.files)} />
        <input ref={folder} type="file" multiple hidden aria-label="Folder" onChange={(e) => take(e.currentTarget.files)} />
      </div>
    </section>
  );
}

/** Sessions on one image: to go on with one, or to begin anew. */
export function Resume({ path, rows }: { path: string; rows: SessionRow[] }): JSX.Element {
  const { studio } = useParts();
  return (
    <>
      <ul class="rows">
        {rows.map((row, n) => <Row key={row.id} row={row} first={n === 0} />)}
      </ul>
      <div class="dialog-foot">
        <span class="grow" />
        <button type="button" onClick={() => void studio.open({ path })}>Begin anew</button>
      </div>
    </>
  );
}

function Row({ row, first }: { row: SessionRow; first?: boolean }): JSX.Element {
  const { studio } = useParts();
  const bones = row.bones.slice(0, 4).join(", ") + (row.bones.length > 4 ? ` and ${row.bones.length - 4} more` : "");
  return (
    <li>
      <button type="button" class="line" data-first={first || undefined} onClick={() => void studio.reopen(row.id)}>
        <strong>{row.name}</strong>
        <span>{bones || "no bone named yet"}</span>
        <span class="faint">{when(row.changed)}{row.watched ? ", open elsewhere" : ""}</span>
      </button>
      <button type="button" class="quiet" aria-label={`Forget the session on ${row.name}`} title="Forget" onClick={() => forget(studio, row)}><Icon name="remove" /></button>
    </li>
  );
}

function forget(studio: Studio, row: SessionRow): void {
  if (!confirm(`Forget the session on ${row.name}, with all that was marked in it?`)) return;
  const { dialog } = studio.state;
  if (dialog?.kind === "resume") studio.store.set({ dialog: null });
  void studio.api.forget(row.id).then(() => studio.list()).catch((error) => studio.fail(error));
}

export function ChooseSeries({ series, from }: { series: Series[]; from: { path?: string; upload?: string } }): JSX.Element {
  const { studio } = useParts();
  return (
    <ul class="rows">
      {series.map((one, n) => (
        <li key={one.key}>
          <button type="button" class="line" data-first={n === 0 || undefined} disabled={Boolean(one.problem)} onClick={() => void studio.open({ ...from, series: one.key })}>
            <strong>{one.description || one.key}</strong>
            <span>{one.shape ? one.shape.join(" x ") : `${one.slices} slices`}</span>
            <span class="faint">{one.problem || one.key}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function when(iso: string): string {
  const then = new Date(iso);
  const minutes = Math.round((Date.now() - then.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  return minutes < 60 ? `${minutes} min ago` : then.toLocaleString([], { dateStyle: "medium", timeStyle: "short", hour12: false });
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
