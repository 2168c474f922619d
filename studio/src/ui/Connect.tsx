// The server runs, but does not accept this page's token: a field for the address that it printed.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useParts } from "./context";

export function Connect(): JSX.Element {
  const { studio } = useParts();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const connect = async (event: Event): Promise<void> => {
    event.preventDefault();
    setWrong(!(await studio.useToken(text)));
  };
  return (
    <form class="connect" onSubmit={(event) => void connect(event)}>
      <h1>The server does not accept this page's token</h1>
      <p>
        Paste the address that <code>anybone studio</code> printed when it started; it ends in <code>#token=…</code>.
        {studio.state.session && " The session then continues where it was."}
      </p>
      <div class="row">
        <input
          type="text"
          class="search"
          aria-label="Address or token"
          placeholder="http://127.0.0.1:8000/#token=…"
          value={text}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={!text.trim()}>
          Connect
        </button>
      </div>
      {wrong && (
        <p class="warn" role="alert">
          There is no token in this text. Copy the whole address, up to its end.
        </p>
      )}
    </form>
  );
}
