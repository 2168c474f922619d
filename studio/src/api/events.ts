// A session's event stream: read with the token in a header, and opened again when it breaks off.

import { type Api, RequestError } from "./client";

export interface Listener {
  /** Called with each event. */
  received(kind: string, data: unknown): void;
  /** Called when the stream is open, for the first time or again. */
  connected(): void;
  /** Called when it broke off and will be opened again. */
  disconnected(error: unknown): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

/** Return the complete events in a text, and the rest that is not complete. */
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

/** Listen to a session's events; return the function that ends it. */
export function listen(api: Api, id: string, listener: Listener): () => void {
  const stop = new AbortController();
  void keepListening(api, id, listener, stop.signal);
  return () => stop.abort();
}

async function keepListening(api: Api, id: string, listener: Listener, signal: AbortSignal): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      const response = await api.fetch(`/api/sessions/${id}/events`, {
        signal,
        headers: { Accept: "text/event-stream" },
      });
      listener.connected();
      pause = FIRST_PAUSE_MS;
      await read(response, listener);
      throw new RequestError(0, "Unreachable", "The server ended the connection.");
    } catch (error) {
      if (signal.aborted) return;
      listener.disconnected(error);
      await new Promise((done) => setTimeout(done, pause));
    }
  }
}

async function read(response: Response, listener: Listener): Promise<void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const parsed = parse(rest + value);
    rest = parsed.rest;
    for (const event of parsed.events) listener.received(event.kind, JSON.parse(event.data));
  }
}
