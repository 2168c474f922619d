// What can be opened: sessions to resume, the served folder, files from this computer.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Entry, Folder, Series, SessionRow } from "../api/types";
import { chosenFiles } from "../input/files";
import type { Studio } from "../session/studio";
import { useParts, usePick } from "./context";
import { Icon } from "./icons";

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
    <section aria-labelledby="sessions-title">
      <h2 id="sessions-title">Resume</h2>
      <ul class="rows">
        {rows.map((row) => (
          <Row key={row.id} row={row} />
        ))}
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
    <section aria-labelledby="files-title">
      <h2 id="files-title">Open</h2>
      <form
        class="row"
        onSubmit={(e) => {
          e.preventDefault();
          if (path.trim()) void studio.choose(path.trim());
        }}
      >
        <input
          type="text"
          class="search"
          aria-label="Path below the served folder"
          placeholder="path of a file, or of a folder of DICOM"
          value={path}
          spellcheck={false}
          onInput={(e) => setPath(e.currentTarget.value)}
        />
        <button type="submit" disabled={!path.trim()}>
          Open
        </button>
      </form>
      <ul class="rows files-list">
        {folder && folder.path !== "" && folder.path !== "." && (
          <li>
            <button type="button" class="line" onClick={() => go(up)}>
              <Icon name="folder" />
              <span>..</span>
            </button>
          </li>
        )}
        {folder?.entries.map((entry) => (
          <li key={entry.path}>
            <button type="button" class="line" onClick={() => choose(entry)}>
              {entry.kind === "folder" ? (
                <Icon name="folder" />
              ) : (
                <span class={`kind ${entry.kind}`}>{KINDS[entry.kind]}</span>
              )}
              <span>{entry.name}</span>
              <span class="faint">{entry.kind === "folder" ? "" : size(entry.size)}</span>
            </button>
            {entry.kind === "folder" && (
              <button
                type="button"
                class="quiet"
                title="Open the folder as DICOM"
                onClick={() => void studio.choose(entry.path)}
              >
                DICOM
              </button>
            )}
          </li>
        ))}
      </ul>
      {folder?.entries.length === 0 && <p class="faint">This folder holds no images and no folders.</p>}
    </section>
  );
}

const KINDS: Record<Entry["kind"], string> = { folder: "", image: "image", dicom: "dicom", bones: "mask" };

function Drop(): JSX.Element {
  const { studio } = useParts();
  const file = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  useEffect(() => folder.current?.setAttribute("webkitdirectory", ""), []);
  const take = (list: FileList | null): void => void studio.upload(chosenFiles([...(list ?? [])]));
  return (
    <section class="drop" aria-labelledby="drop-title">
      <h2 id="drop-title">From this computer</h2>
      <p>Drop NIfTI, NRRD, MetaImage, a folder of DICOM or a zip of it anywhere on the page.</p>
      <div class="row">
        <button type="button" onClick={() => file.current!.click()}>
          Choose files
        </button>
        <button type="button" onClick={() => folder.current!.click()}>
          Choose a folder
        </button>
        <input
          ref={file}
          type="file"
          multiple
          hidden
          aria-label="Files"
          onChange={(e) => take(e.currentTarget.files)}
        />
        <input
          ref={folder}
          type="file"
          multiple
          hidden
          aria-label="Folder"
          onChange={(e) => take(e.currentTarget.files)}
        />
      </div>
    </section>
  );
}

/** Sessions on one image: resume one, or start a new one. */
export function Resume({ path, rows }: { path: string; rows: SessionRow[] }): JSX.Element {
  const { studio } = useParts();
  return (
    <>
      <ul class="rows">
        {rows.map((row, n) => (
          <Row key={row.id} row={row} first={n === 0} />
        ))}
      </ul>
      <div class="dialog-foot">
        <span class="grow" />
        <button type="button" onClick={() => void studio.open({ path })}>
          Start new session
        </button>
      </div>
    </>
  );
}

function Row({ row, first }: { row: SessionRow; first?: boolean }): JSX.Element {
  const { studio } = useParts();
  return (
    <li>
      <button
        type="button"
        class="line session"
        data-first={first || undefined}
        onClick={() => void studio.reopen(row.id)}
      >
        <strong>{row.name}</strong>
        {row.patient && <span class="patient">{row.patient}</span>}
        {row.study_date && <span class="faint">study of {dateOf(row.study_date)}</span>}
        <span>{bonesOf(row.bones)}</span>
        <span class="faint">
          {when(row.changed)}
          {row.viewers > Number(row.id === studio.state.session?.id) ? ", open in another tab" : ""}
        </span>
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`Delete the session on ${row.name}`}
        title="Delete"
        onClick={() => forget(studio, row)}
      >
        <Icon name="remove" />
      </button>
    </li>
  );
}

/** Return the names of a session's bones in words: up to four, then how many more. */
export function bonesOf(names: readonly string[]): string {
  if (!names.length) return "no bones yet";
  const more = names.length - 4;
  return names.slice(0, 4).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function forget(studio: Studio, row: SessionRow): void {
  if (!confirm(`Delete the session on ${row.name} with all its masks?`)) return;
  const { dialog } = studio.state;
  if (dialog?.kind === "resume") studio.store.set({ dialog: null });
  void studio.api
    .forget(row.id)
    .then(() => studio.list())
    .catch((error) => studio.fail(error));
}

export function ChooseSeries(props: { series: Series[]; from: { path?: string; upload?: string } }): JSX.Element {
  const { studio } = useParts();
  const { series, from } = props;
  const pictures = useThumbnails(series, from);
  return (
    <ul class="rows series">
      {series.map((one, n) => (
        <li key={one.key}>
          <button
            type="button"
            class="line"
            data-first={n === 0 || undefined}
            disabled={Boolean(one.problem)}
            onClick={() => void studio.open({ ...from, series: one.key })}
          >
            <span class="thumbnail">{pictures.has(one.key) && <img src={pictures.get(one.key)} alt="" />}</span>
            <span class="words">
              <strong>{one.description || one.key}</strong>
              <span class="faint">{one.problem || gridOf(one)}</span>
            </span>
            <span class="faint">{one.key}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Return the plane, size and spacing of a series in words. */
export function gridOf({ plane, shape, spacing_mm, slices }: Series): string {
  const count = slices === 1 ? "1 slice" : `${slices} slices`;
  if (!shape || !spacing_mm) return count;
  const spacing = spacing_mm.map((mm) => Number(mm.toFixed(2))).join(" x ");
  return `${plane}, ${count}, ${shape.join(" x ")} voxels of ${spacing} mm`;
}

/** Fetch the thumbnails of series, one after another, while the list is on the page. */
function useThumbnails(series: Series[], from: { path?: string; upload?: string }): ReadonlyMap<string, string> {
  const { studio } = useParts();
  const [pictures, setPictures] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    const stop = new AbortController();
    const urls = new Map<string, string>();
    const load = async (): Promise<void> => {
      for (const { key, problem } of series) {
        if (problem || stop.signal.aborted) continue;
        const url = await studio.api.thumbnail({ ...from, series: key }, stop.signal).catch(() => null);
        if (url) setPictures(new Map(urls.set(key, url)));
      }
    };
    void load();
    return () => {
      stop.abort();
      for (const url of urls.values()) URL.revokeObjectURL(url);
    };
  }, [series]);
  return pictures;
}

/** Return an ISO date as people write it. */
function dateOf(iso: string): string {
  return new Date(`${iso}T12:00:00`).toLocaleDateString([], { dateStyle: "medium" });
}

function when(iso: string): string {
  const then = new Date(iso);
  const minutes = Math.round((Date.now() - then.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  return minutes < 60
    ? `${minutes} min ago`
    : then.toLocaleString([], { dateStyle: "medium", timeStyle: "short", hour12: false });
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
