// Requests to the server: each carries the token, and what it refuses becomes an error that says the next move.

import type { BoneChoice, Change, Folder, Info, Layers, SavedFile, Series, Session, SessionRow } from "./types";

/** Something that the server refused, or that did not reach it. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }

  /** Whether the server could not be reached at all. */
  get lost(): boolean {
    return this.status === 0;
  }
}

const KEY = "anybone-token";

/** The token: from the address, which then forgets it, or as this tab kept it. */
export function takeToken(): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get("token");
  if (given) {
    sessionStorage.setItem(KEY, given);
    fragment.delete("token");
    history.replaceState(null, "", `${location.pathname}${fragment.size ? `#${fragment}` : ""}`);
  }
  return sessionStorage.getItem(KEY);
}

/** What answers requests. */
export class Api {
  constructor(
    private token: string,
    private readonly base = new URL(".", location.href.split("#")[0]).href.replace(/\/$/, ""),
  ) {}

  /** The answer to a request. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.token}`);
    let answer: Response;
    try {
      answer = await fetch(this.base + path, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Refused(0, "Unreachable", "The server does not answer. It is tried again by itself; if it was stopped, start it again.");
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  private async json<T>(path: string, init?: RequestInit): Promise<T> {
    return (await (await this.fetch(path, init)).json()) as T;
  }

  private post<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  }

  info = (): Promise<Info> => this.json("/api/info");
  bones = (query: string, signal?: AbortSignal): Promise<BoneChoice[]> =>
    this.json(`/api/bones?query=${encodeURIComponent(query)}`, signal ? { signal } : {});
  files = (path: string): Promise<Folder> => this.json(`/api/files?path=${encodeURIComponent(path)}`);
  sessions = (): Promise<SessionRow[]> => this.json("/api/sessions");
  session = (id: string): Promise<Session> => this.json(`/api/sessions/${id}`);
  layers = (id: string): Promise<Layers> => this.json(`/api/sessions/${id}/layers`);
  forget = async (id: string): Promise<void> => void (await this.fetch(`/api/sessions/${id}`, { method: "DELETE" }));
  verb = (id: string, verb: string, body: unknown): Promise<Change> => this.post(`/api/sessions/${id}/${verb}`, body);
  save = (id: string, formats: string[], path?: string): Promise<{ files: SavedFile[] }> =>
    this.post(`/api/sessions/${id}/save`, path ? { formats, path } : { formats });

  /** The session, or the series to choose from. */
  async open(what: { path?: string; upload?: string; series?: string; resume?: boolean }): Promise<Session | { series: Series[] }> {
    const init = { method: "POST", body: JSON.stringify(what), headers: { "Content-Type": "application/json" } };
    try {
      return await this.json("/api/sessions", init);
    } catch (error) {
      if (error instanceof Refused && error.status === 300) return JSON.parse(error.message) as { series: Series[] };
      throw error;
    }
  }

  /** The volume as NIfTI; `heard` is told the share that has come. */
  async image(id: string, heard: (share: number) => void, series?: string): Promise<ArrayBuffer> {
    const query = series ? `?series=${encodeURIComponent(series)}` : "";
    const answer = await this.fetch(`/api/sessions/${id}/image${query}`);
    const size = Number(answer.headers.get("content-length") ?? 0);
    if (!size || !answer.body) return answer.arrayBuffer();
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const reader = answer.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return bytes.buffer;
      bytes.set(value, at);
      at += value.length;
      heard(at / size);
    }
  }

  /** The probability of bone, 0..255, of a slice. */
  async probability(id: string, slice: number): Promise<Uint8Array> {
    return new Uint8Array(await (await this.fetch(`/api/sessions/${id}/probability?slice=${slice}`)).arrayBuffer());
  }

  /** What the files are known by, once the server has them. */
  upload(files: readonly { file: File; path: string }[]): Promise<{ upload: string; files: number }> {
    const form = new FormData();
    for (const { file, path } of files) form.append("files", file, path);
    return this.json("/api/uploads", { method: "POST", body: form });
  }

  /** A file that was saved, handed to the browser's downloads. */
  async download(file: SavedFile): Promise<void> {
    const url = URL.createObjectURL(await (await this.fetch(file.download)).blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = file.path.split("/").pop() ?? "bones";
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text();
  if (answer.status === 300) return new Refused(300, "SeveralSeries", text);
  try {
    const { error } = JSON.parse(text) as { error: { kind: string; message: string } };
    return new Refused(answer.status, error.kind, error.message);
  } catch {
    return new Refused(answer.status, "Refused", `The server answered ${answer.status} ${answer.statusText}.`);
  }
}
