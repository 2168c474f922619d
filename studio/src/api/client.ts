// Requests to the server: each carries the token, and a refusal becomes an error that a person can act on.

import type {
  BoneChoice,
  Change,
  Folder,
  Info,
  Job,
  Layers,
  SavedFiles,
  Series,
  Session,
  SessionRow,
  Source,
} from "./types";

/** A request that the server refused (`status` is HTTP's), or that did not reach it (`status` is 0). */
export class RequestError extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    /** Seconds after which the server asks to try again. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** Whether the server could not be reached. */
  get unreachable(): boolean {
    return this.status === 0;
  }

  /** Whether the server runs, but with another token. */
  get unauthorized(): boolean {
    return this.status === 401;
  }

  /** Whether a job on the session has to end first. */
  get busy(): boolean {
    return this.status === 409 && this.kind === "Busy";
  }
}

const TOKEN_KEY = "anybone-token";
const MAX_RETRIES = 8;

/** Return the token in an address or in text that was pasted; null where there is none. */
export function tokenIn(text: string): string | null {
  const fragment = text.includes("#") ? text.slice(text.indexOf("#") + 1) : text;
  const token = new URLSearchParams(fragment).get("token") ?? text.trim();
  return /^[\w.~-]+$/.test(token) ? token : null;
}

/** Return the token from the page's address, which then no longer shows it, or the one that this tab keeps. */
export function takeToken(): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token) {
    sessionStorage.setItem(TOKEN_KEY, token);
    fragment.delete("token");
    history.replaceState(null, "", `${location.pathname}${fragment.size ? `#${fragment}` : ""}`);
  }
  return sessionStorage.getItem(TOKEN_KEY);
}

/** The server's interface. */
export class Api {
  constructor(
    private token: string,
    private readonly base = new URL(".", location.href.split("#")[0]).href.replace(/\/$/, ""),
    private readonly wait = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, 1000 * seconds)),
  ) {}

  /** Use another token from now on; this tab keeps it. */
  useToken(token: string): void {
    this.token = token;
    sessionStorage.setItem(TOKEN_KEY, token);
  }

  /** Return the response to a request; a server with too much to do is asked again when it says. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.fetchOnce(path, init);
      } catch (error) {
        const pause = error instanceof RequestError ? error.retryAfter : null;
        if (pause === null || attempt >= MAX_RETRIES) throw error;
        await this.wait(pause);
      }
    }
  }

  private async fetchOnce(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.token}`);
    let response: Response;
    try {
      response = await fetch(this.base + path, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new RequestError(
        0,
        "Unreachable",
        "The server cannot be reached, so this was not done. The page reconnects by itself; if the server was stopped, start it again.",
      );
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  private async json<T>(path: string, init?: RequestInit): Promise<T> {
    return (await (await this.fetch(path, init)).json()) as T;
  }

  private post<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>(path, bodyOf(body));
  }

  info = (): Promise<Info> => this.json("/api/info");
  bones = (query: string, signal?: AbortSignal): Promise<BoneChoice[]> =>
    this.json(`/api/bones?query=${encodeURIComponent(query)}`, signal ? { signal } : {});
  files = (path: string): Promise<Folder> => this.json(`/api/files?path=${encodeURIComponent(path)}`);
  sessions = (): Promise<SessionRow[]> => this.json("/api/sessions");
  session = (id: string): Promise<Session> => this.json(`/api/sessions/${id}`);
  layers = (id: string): Promise<Layers> => this.json(`/api/sessions/${id}/layers`);
  forget = async (id: string): Promise<void> => void (await this.fetch(`/api/sessions/${id}`, { method: "DELETE" }));
  verb = (id: string, verb: string, body: unknown): Promise<Change | Job> =>
    this.post(`/api/sessions/${id}/${verb}`, body);
  look = async (id: string, slice: number): Promise<void> =>
    void (await this.fetch(`/api/sessions/${id}/prefetch`, bodyOf({ slice })));
  save = (id: string, formats: string[], path?: string): Promise<SavedFiles> =>
    this.post(`/api/sessions/${id}/save`, path ? { formats, path } : { formats });

  /** Open an image; return its session, or the series to choose from. */
  async open(source: Source): Promise<Session | { series: Series[] }> {
    try {
      return await this.post("/api/sessions", source);
    } catch (error) {
      if (error instanceof RequestError && error.status === 300)
        return JSON.parse(error.message) as { series: Series[] };
      throw error;
    }
  }

  /** Return the volume as NIfTI; `report` is called with the fraction that has arrived. */
  async image(id: string, report: (fraction: number) => void, series?: string): Promise<ArrayBuffer> {
    const query = series ? `?series=${encodeURIComponent(series)}` : "";
    const response = await this.fetch(`/api/sessions/${id}/image${query}`);
    const size = Number(response.headers.get("content-length") ?? 0);
    if (!size || !response.body) return response.arrayBuffer();
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return bytes.buffer;
      bytes.set(value, at);
      at += value.length;
      report(at / size);
    }
  }

  /** Return the probability of bone on a slice, 0 to 255. */
  async probability(id: string, slice: number): Promise<Uint8Array> {
    const response = await this.fetch(`/api/sessions/${id}/probability?slice=${slice}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Return the address of a picture of an image's middle slice; the caller revokes it. */
  async thumbnail(image: { path?: string; upload?: string; series?: string }, signal: AbortSignal): Promise<string> {
    const response = await this.fetch(`/api/thumbnail?${new URLSearchParams(image)}`, { signal });
    return URL.createObjectURL(await response.blob());
  }

  /** Upload files; return the id by which they can be opened. */
  upload(files: readonly { file: File; path: string }[]): Promise<{ upload: string; files: number }> {
    const form = new FormData();
    for (const { file, path } of files) form.append("files", file, path);
    return this.json("/api/uploads", { method: "POST", body: form });
  }

  /** Pass a saved file to the browser's downloads. */
  async download(path: string, name: string): Promise<void> {
    const url = URL.createObjectURL(await (await this.fetch(path)).blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

function bodyOf(body: unknown): RequestInit {
  return { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

async function errorOf(response: Response): Promise<RequestError> {
  const text = await response.text();
  if (response.status === 300) return new RequestError(300, "SeveralSeries", text);
  const retryAfter = response.status === 503 || response.status === 429 ? response.headers.get("retry-after") : null;
  const seconds = retryAfter === null ? null : Number(retryAfter) || 1;
  try {
    const { error } = JSON.parse(text) as { error: { kind: string; message: string } };
    return new RequestError(response.status, error.kind, error.message, seconds);
  } catch {
    const message = "The server sent a response that this page does not understand. Load the page again.";
    return new RequestError(response.status, "Unknown", message, seconds);
  }
}
