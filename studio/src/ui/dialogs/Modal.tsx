// A dialog: the browser keeps the focus in it, Esc closes it, and the focus then returns to the image.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useParts } from "../context";

export function Modal(props: {
  title: string;
  wide?: boolean;
  children: ComponentChildren;
  onClose?: () => void;
}): JSX.Element {
  const { studio } = useParts();
  const element = useRef<HTMLDialogElement>(null);
  const close = props.onClose ?? (() => studio.store.set({ dialog: null }));
  useEffect(() => {
    const dialog = element.current!;
    dialog.showModal();
    dialog.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog.close(); // only then can the image have the focus
      document.querySelector<HTMLElement>(".lines")?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={props.wide ? "wide" : ""}
      aria-labelledby="dialog-title"
      onCancel={(e) => {
        e.preventDefault();
        close();
      }}
      onClick={(e) => e.target === element.current && close()}
    >
      <div class="dialog">
        <div class="dialog-head">
          <h1 id="dialog-title">{props.title}</h1>
          <button type="button" class="quiet" aria-label="Close" onClick={close}>
            Esc
          </button>
        </div>
        {props.children}
      </div>
    </dialog>
  );
}
