// Events of a session: read as a stream with the token in a header, and taken up again when they break off.

import type { Api } from "./api";
import { Refused } from "./api";

export interface Listener {
  heard(kind: string, data: unknown): void;
  /** The stream stands (again); what happened in between has to be fetched. */
  joined(): void;
  /** It broke off, and is tried again. */
  lost(error: unknown): void;
}

/** The events in what has come so far, and what is left of it. */
export function parse(text: string): { events: { kind: string; data: string }[]; rest: string } {
  const blocks = text.replaceAll("\r\n", "\n").split("\n\n");
  const rest = blocks.pop() ?? "";
  const events = blocks.map((block) => {
    let kind = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) kind = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
    return { kind, data: data.join("\n") };
  });
  return { events: events.filter((event) => event.data !== ""), rest };
}

/** What ends the listening. */
export function listen(api: Api, id: string, listener: Listener): () => void {
  const stop = new AbortController();
  void follow(api, id, listener, stop.signal);
  return () => stop.abort();
}

async function follow(api: Api, id: string, listener: Listener, signal: AbortSignal): Promise<void> {
  for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, 4000)) {
    try {
      const answer = await api.fetch(`/api/sessions/${id}/events`, { signal, headers: { Accept: "text/event-stream" } });
      listener.joined();
      wait = 250;
      await read(answer, listener);
      throw new Refused(0, "Unreachable", "The server ended the connection.");
    } catch (error) {
      if (signal.aborted) return;
      listener.lost(error);
      await new Promise((done) => setTimeout(done, wait));
    }
  }
}

async function read(answer: Response, listener: Listener): Promise<void> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const parsed = parse(rest + value);
    rest = parsed.rest;
    for (const event of parsed.events) listener.heard(event.kind, JSON.parse(event.data));
  }
}
