// The image: NiiVue's canvas, the lines over it, and a second series beside it.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useParts, usePick } from "./context";
import { drawOverlay } from "../view/overlay";
import { listenToPointer } from "../tools/pointer";

export function Stage(): JSX.Element {
  const { studio, hand } = useParts();
  const canvas = useRef<HTMLCanvasElement>(null);
  const lines = useRef<HTMLCanvasElement>(null);
  const beside = usePick((state) => state.beside);
  const tool = usePick((state) => state.tool);
  const name = usePick((state) => state.session?.name ?? "");

  useEffect(() => {
    let waiting = 0;
    const drawLines = (): void => {
      cancelAnimationFrame(waiting);
      waiting = 0;
      drawOverlay(lines.current!, studio.viewer, studio.state, hand);
    };
    const redraw = (): void => void (waiting ||= requestAnimationFrame(drawLines));
    studio.viewer.drawn = drawLines;
    studio.handMoved = redraw;
    listenToPointer(lines.current!, studio, studio.viewer, hand, redraw);
    canvas.current!.addEventListener("webglcontextlost", () =>
      studio.fail(new Error("The graphics card has lost the picture. Load the page again: nothing that was marked is lost.")),
    );
    void studio.viewer
      .attach(canvas.current!)
      .then(() => studio.begin())
      .catch((error) => studio.fail(new Error(`The image cannot be drawn: ${String(error)}. The studio needs WebGL 2.`)));
    return studio.store.subscribe(redraw);
  }, [studio]);

  return (
    <main class={`stage ${beside ? "two" : ""}`}>
      <div class="view">
        <div class="canvas"><canvas ref={canvas} aria-hidden="true" /></div>
        <canvas
          ref={lines}
          class={`lines tool-${tool}`}
          tabIndex={0}
          role="application"
          aria-label={name ? `Image of ${name}. Arrows move the crosshair, page up and down the slice, space uses the tool, question mark shows all keys.` : "No image"}
        />
      </div>
      {beside && <Beside name={beside.name} />}
    </main>
  );
}

function Beside({ name }: { name: string }): JSX.Element {
  const { studio } = useParts();
  const canvas = useRef<HTMLCanvasElement>(null);
  const lines = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    studio.beside.drawn = () => drawOverlay(lines.current!, studio.beside, studio.state, null);
    studio.besideReady(canvas.current!);
  }, [studio]);
  return (
    <div class="view" aria-label={`Second series: ${name}`}>
      <div class="canvas"><canvas ref={canvas} aria-hidden="true" /></div>
      <canvas ref={lines} class="lines passive" aria-hidden="true" />
      <span class="caption">{name}</span>
    </div>
  );
}
