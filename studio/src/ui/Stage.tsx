// The image: NiiVue's canvas, the lines over it, and a second series to compare with.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { PointerController } from "../input/pointer";
import { drawOverlay } from "../view/overlay";
import { useParts, usePick } from "./context";

export function Stage(): JSX.Element {
  const { studio, tools } = useParts();
  const canvas = useRef<HTMLCanvasElement>(null);
  const lines = useRef<HTMLCanvasElement>(null);
  const compared = usePick((state) => state.compared);
  const tool = usePick((state) => state.tool);
  const name = usePick((state) => state.session?.name ?? "");

  useEffect(() => {
    let waiting = 0;
    const drawLines = (): void => {
      cancelAnimationFrame(waiting);
      waiting = 0;
      drawOverlay(lines.current!, studio.viewer, studio.state, true);
    };
    studio.viewer.drawn = drawLines;
    new PointerController(lines.current!, studio, tools);
    canvas.current!.addEventListener("webglcontextlost", () => {
      const text = "The graphics card lost the image. Load the page again: nothing that was marked is lost.";
      studio.store.notify("error", text);
    });
    void studio.viewer
      .attach(canvas.current!)
      .then(() => studio.begin())
      .catch((error) => studio.fail(new Error(`The image cannot be drawn (${error}). The studio needs WebGL 2.`)));
    return studio.store.subscribe(() => {
      waiting ||= requestAnimationFrame(drawLines);
    });
  }, [studio]);

  const help =
    "Arrows move the crosshair, page up and down the slice, space uses the tool, question mark shows all keys.";
  return (
    <main class={`stage ${compared ? "two" : ""}`}>
      <div class="view">
        <div class="canvas">
          <canvas ref={canvas} aria-hidden="true" />
        </div>
        <canvas
          ref={lines}
          class={`lines tool-${tool}`}
          tabIndex={0}
          role="application"
          aria-label={name ? `Image of ${name}. ${help}` : "No image"}
        />
      </div>
      {compared && <Compared name={compared.name} />}
    </main>
  );
}

function Compared({ name }: { name: string }): JSX.Element {
  const { studio } = useParts();
  const canvas = useRef<HTMLCanvasElement>(null);
  const lines = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { comparison } = studio;
    comparison.viewer.drawn = () => drawOverlay(lines.current!, comparison.viewer, studio.state, false);
    comparison.attach(canvas.current!);
  }, [studio]);
  return (
    <section class="view" aria-label={`Second series: ${name}`}>
      <div class="canvas">
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      <canvas ref={lines} class="lines passive" aria-hidden="true" />
      <span class="caption">{name}</span>
    </section>
  );
}
