// The page: header, tools, image, panel, status line, dialogs and notices.

import type { JSX } from "preact";
import { Bones } from "./Bones";
import { Connect } from "./Connect";
import { useParts, usePick } from "./context";
import { BoneName } from "./dialogs/BoneName";
import { Help } from "./dialogs/Help";
import { Modal } from "./dialogs/Modal";
import { Range } from "./dialogs/Range";
import { Save } from "./dialogs/Save";
import { Header } from "./Header";
import { ChooseSeries, Open, Resume } from "./Open";
import { Panel } from "./Panel";
import { Rail } from "./Rail";
import { Stage } from "./Stage";
import { Status } from "./Status";

export function App(): JSX.Element {
  const phase = usePick((state) => state.phase);
  const open = usePick((state) => state.session !== null);
  const unauthorized = usePick((state) => state.connection === "unauthorized");
  const ready = phase === "ready" && open;
  return (
    <div class={`app ${ready ? "ready" : ""}`} data-phase={phase}>
      <Header />
      {ready && <Rail />}
      <Stage />
      {ready && <Panel bones={<Bones />} />}
      <Status />
      {!ready && <Front />}
      <Dialogs />
      {ready && unauthorized && (
        <div class="banner" role="alert">
          <Connect />
        </div>
      )}
      <Notices />
      <div class="drop-here" aria-hidden="true">
        Drop to open
      </div>
    </div>
  );
}

function Front(): JSX.Element {
  const phase = usePick((state) => state.phase);
  const { text, fraction } = usePick((state) => state.loading);
  const known = usePick((state) => state.info !== null);
  if (phase === "locked") {
    return (
      <div class="front">
        <Connect />
      </div>
    );
  }
  if (phase === "loading") {
    return (
      <div class="front" role="status">
        <p>{text}…</p>
        {fraction === null ? <progress aria-label={text} /> : <progress value={fraction} aria-label={text} />}
      </div>
    );
  }
  return <div class="front start">{known && <Open />}</div>;
}

function Dialogs(): JSX.Element | null {
  const dialog = usePick((state) => state.dialog);
  const bones = usePick((state) => state.session?.bones ?? null);
  switch (dialog?.kind) {
    case "help":
      return <Help />;
    case "open":
      return (
        <Modal title="Open" wide>
          <Open />
        </Modal>
      );
    case "resume":
      return (
        <Modal title="There is a session on this image">
          <Resume path={dialog.path} rows={dialog.rows} />
        </Modal>
      );
    case "series":
      return (
        <Modal title="Choose a series" wide>
          <ChooseSeries series={dialog.series} from={dialog.from} />
        </Modal>
      );
    case "commit":
      return <BoneName bone={null} />;
    case "rename":
      return <BoneName bone={bones?.find((bone) => bone.label === dialog.label) ?? null} />;
    case "save":
      return <Save />;
    case "range":
      return <Range verb={dialog.verb} />;
    default:
      return null;
  }
}

function Notices(): JSX.Element {
  const { studio } = useParts();
  const notices = usePick((state) => state.notices);
  return (
    <div class="notices" aria-live="polite">
      {notices.map((notice) => (
        <div key={notice.id} class={`notice ${notice.kind}`} role={notice.kind === "error" ? "alert" : "status"}>
          <span>{notice.text}</span>
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => studio.store.dismiss(notice.id)}>
            &times;
          </button>
        </div>
      ))}
    </div>
  );
}
