// Everything that can be done, with its keys: buttons, shortcuts and the help sheet are made from this list.

import type { Studio } from "./studio";
import type { ToolName } from "./state";
import { TOOLS, type Hand } from "./tools/tools";
import { screenStep } from "./view/moves";
import { LAYOUTS, type LayoutName } from "./view/layouts";

export type Group = "Tools" | "Find and follow" | "Correct" | "Bones" | "Slices" | "Picture" | "Session";

export interface Command {
  group: Group;
  title: string;
  keys: string[];
  run(studio: Studio, hand: Hand): void;
  /** Whether it makes sense now; always, where it is left out. */
  can?(studio: Studio): boolean;
  /** Whether it works without an image. */
  always?: boolean;
}

const TOOL_KEYS: Record<ToolName, string> = { look: "v", point: "p", box: "x", scribble: "s", lasso: "l", brush: "b", eraser: "e" };
const LAYOUT_KEYS: Record<LayoutName, string> = { main: "1", planes: "2", single: "3", mosaic: "4", solid: "5" };

const tool = (name: ToolName): Command => ({
  group: "Tools",
  title: `${TOOLS[name].title}: ${TOOLS[name].hint.charAt(0).toLowerCase()}${TOOLS[name].hint.slice(1)}`,
  keys: [TOOL_KEYS[name]],
  run: (studio, hand) => {
    hand.drop();
    studio.store.set({ tool: name });
  },
});

const layout = (name: LayoutName): Command => ({ group: "Picture", title: LAYOUTS[name], keys: [LAYOUT_KEYS[name]], run: (s) => s.setLayout(name) });

const step = (title: string, keys: string[], by: number): Command => ({ group: "Slices", title, keys, run: (s) => s.step(by) });

const move = (title: string, keys: string[], dx: number, dy: number): Command => ({
  group: "Slices",
  title,
  keys,
  run: (s) => s.lookAt(screenStep(s.viewer, dx, dy)),
});

const answers = (s: Studio): boolean => s.session.answered.length > 0 && !s.session.job;
const idle = (s: Studio): boolean => !s.session.job;
const one = (s: Studio): boolean => s.state.selected.size === 1 && idle(s);
const selected = (s: Studio): number => [...s.state.selected][0]!;
const slice = (s: Studio): number => s.state.crosshair[s.session.axis]!;

/** The commands by name. */
export const COMMANDS = {
  look: tool("look"),
  point: tool("point"),
  box: tool("box"),
  scribble: tool("scribble"),
  lasso: tool("lasso"),
  brush: tool("brush"),
  eraser: tool("eraser"),
  thinner: { group: "Tools", title: "Smaller brush", keys: ["["], run: (s) => s.store.set(({ brushMm }) => ({ brushMm: Math.max(0.5, brushMm - step_(brushMm)) })) },
  thicker: { group: "Tools", title: "Larger brush", keys: ["]"], run: (s) => s.store.set(({ brushMm }) => ({ brushMm: Math.min(40, brushMm + step_(brushMm)) })) },
  press: { group: "Tools", title: "Use the tool at the crosshair: bone", keys: ["Space"], run: (_, hand) => hand.press(true) },
  pressOther: { group: "Tools", title: "Use the tool at the crosshair: not bone", keys: ["Shift+Space"], run: (_, hand) => hand.press(false) },

  automaticSlice: { group: "Find and follow", title: "Find all bone on this slice", keys: ["a"], can: idle, run: (s) => void s.act("automatic", { slices: [slice(s)] }, { clicked: true }) },
  automaticRange: { group: "Find and follow", title: "Find all bone on a range of slices", keys: ["Alt+a"], can: idle, run: (s) => s.store.set({ dialog: { kind: "range", verb: "automatic" } }) },
  automaticVolume: { group: "Find and follow", title: "Find all bone in the volume", keys: ["Shift+a"], can: idle, run: (s) => void s.act("automatic", {}) },
  propagate: { group: "Find and follow", title: "Follow the answer through the slices", keys: ["f"], can: answers, run: (s) => void s.act("propagate", {}) },
  propagateRange: { group: "Find and follow", title: "Follow it over a range", keys: ["Shift+f"], can: answers, run: (s) => s.store.set({ dialog: { kind: "range", verb: "propagate" } }) },
  keep: { group: "Find and follow", title: "Keep only the piece that the crosshair is on", keys: ["q"], can: answers, run: (s) => void s.act("keep", { ijk: s.state.crosshair }, { clicked: true }) },
  interpolate: { group: "Find and follow", title: "Fill between the slices that are answered", keys: ["i"], can: answers, run: (s) => void s.act("interpolate", {}, { clicked: true }) },
  interpolateRange: { group: "Find and follow", title: "Fill a range", keys: ["Shift+i"], can: answers, run: (s) => s.store.set({ dialog: { kind: "range", verb: "interpolate" } }) },
  cancel: { group: "Find and follow", title: "Give up the stroke; cancel the job", keys: ["Escape"], run: (s, hand) => void (hand.drop() || (s.session.job && s.act("cancel"))) },

  undo: { group: "Correct", title: "Undo", keys: ["Ctrl+z"], can: (s) => s.session.can_undo && idle(s), run: (s) => void s.act("undo") },
  redo: { group: "Correct", title: "Redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], can: (s) => s.session.can_redo && idle(s), run: (s) => void s.act("redo") },
  reset: { group: "Correct", title: "Take back all of the answer", keys: ["Backspace"], can: idle, run: (s) => void s.act("reset") },

  accept: {
    group: "Bones",
    title: "Accept the answer as a bone; end a line set by keyboard",
    keys: ["Enter"],
    can: (s) => answers(s) || s.state.pending.length > 0,
    run: (s, hand) => {
      if (!hand.complete() && answers(s)) s.store.set({ dialog: { kind: "accept" } });
    },
  },
  edit: { group: "Bones", title: "Edit the selected bone again", keys: ["d"], can: one, run: (s) => void s.act("edit", { label: selected(s) }) },
  rename: { group: "Bones", title: "Rename the selected bone", keys: ["r", "F2"], can: one, run: (s) => s.store.set({ dialog: { kind: "rename", label: selected(s) } }) },
  split: { group: "Bones", title: "Split the selected bone into its pieces", keys: ["k"], can: one, run: (s) => void s.act("split", { label: selected(s) }) },
  merge: {
    group: "Bones",
    title: "Merge the selected bones into the first",
    keys: ["g"],
    can: (s) => s.state.selected.size > 1 && idle(s),
    run: (s) => {
      const labels = [...s.state.selected];
      void s.act("merge", { labels, into: labels[0] }).then(() => s.store.set({ selected: new Set([labels[0]!]) }));
    },
  },
  remove: { group: "Bones", title: "Remove the selected bone", keys: ["Delete"], can: one, run: (s) => void s.act("remove", { label: selected(s) }).then(() => s.store.set({ selected: new Set() })) },
  selectNext: { group: "Bones", title: "Select the next bone", keys: ["j"], can: (s) => s.session.bones.length > 0, run: selectNext },
  hide: { group: "Bones", title: "Hide or show the selected bone", keys: ["t"], can: (s) => s.state.selected.size > 0, run: (s) => s.state.selected.forEach((label) => s.setHidden(label, !s.state.hidden.has(label))) },

  next: step("Next slice", ["PageDown", "."], 1),
  previous: step("Previous slice", ["PageUp", ","], -1),
  nextFlagged: { group: "Slices", title: "Next slice to look at, the least sure first", keys: ["n"], can: (s) => s.session.flagged.length > 0, run: (s) => flagged(s, 1) },
  previousFlagged: { group: "Slices", title: "The one before it", keys: ["Shift+n"], can: (s) => s.session.flagged.length > 0, run: (s) => flagged(s, -1) },
  first: { group: "Slices", title: "First slice", keys: ["Home"], run: (s) => s.goTo(0) },
  last: { group: "Slices", title: "Last slice", keys: ["End"], run: (s) => s.goTo(s.session.slices - 1) },
  left: move("Crosshair left (Shift: ten voxels)", ["ArrowLeft"], -1, 0),
  right: move("Crosshair right", ["ArrowRight"], 1, 0),
  up: move("Crosshair up", ["ArrowUp"], 0, -1),
  down: move("Crosshair down", ["ArrowDown"], 0, 1),
  farLeft: { ...move("", ["Shift+ArrowLeft"], -10, 0) },
  farRight: { ...move("", ["Shift+ArrowRight"], 10, 0) },
  farUp: { ...move("", ["Shift+ArrowUp"], 0, -10) },
  farDown: { ...move("", ["Shift+ArrowDown"], 0, 10) },

  main: layout("main"),
  planes: layout("planes"),
  single: layout("single"),
  mosaic: layout("mosaic"),
  solid: layout("solid"),
  beside: {
    group: "Picture",
    title: "Second series beside it",
    keys: ["c"],
    can: (s) => s.session.other_series.length > 0,
    run: (s) => void s.showBeside(s.state.beside ? null : s.session.other_series[0]!.key),
  },
  mask: { group: "Picture", title: "Hide or show what is marked", keys: ["m"], run: (s) => s.setOverlay({ shown: !s.state.overlay.shown }) },
  outline: { group: "Picture", title: "Outline or fill", keys: ["o"], run: (s) => s.setOverlay({ outline: !s.state.overlay.outline, shown: true }) },
  heat: { group: "Picture", title: "Probability of bone as a heat map", keys: ["h"], run: (s) => s.setOverlay({ heat: !s.state.overlay.heat, shown: true }) },
  clearer: { group: "Picture", title: "Marks more transparent", keys: ["{"], run: (s) => s.setOverlay({ opacity: Math.max(0.1, s.state.overlay.opacity - 0.1) }) },
  denser: { group: "Picture", title: "Marks less transparent", keys: ["}"], run: (s) => s.setOverlay({ opacity: Math.min(1, s.state.overlay.opacity + 0.1) }) },
  window: { group: "Picture", title: "Window as it was", keys: ["w"], run: (s) => s.setWindow(s.firstWindow.low, s.firstWindow.high) },
  wider: { group: "Picture", title: "Wider window", keys: ["Alt+ArrowRight"], run: (s) => s.windowBy(20, 0) },
  narrower: { group: "Picture", title: "Narrower window", keys: ["Alt+ArrowLeft"], run: (s) => s.windowBy(-20, 0) },
  brighter: { group: "Picture", title: "Brighter", keys: ["Alt+ArrowUp"], run: (s) => s.windowBy(0, -12) },
  darker: { group: "Picture", title: "Darker", keys: ["Alt+ArrowDown"], run: (s) => s.windowBy(0, 12) },
  zoomIn: { group: "Picture", title: "Zoom in", keys: ["+", "="], run: (s) => s.zoomBy(1.25) },
  zoomOut: { group: "Picture", title: "Zoom out", keys: ["-"], run: (s) => s.zoomBy(0.8) },
  resetView: { group: "Picture", title: "All of the image", keys: ["0"], run: (s) => s.resetView() },
  smooth: { group: "Picture", title: "Voxels smooth or as they are", keys: ["y"], run: (s) => s.setSmooth(!s.state.smooth) },
  sides: { group: "Picture", title: "Patient's left on the right, or on the left", keys: ["u"], run: (s) => s.setRadiological(!s.state.radiological) },

  save: { group: "Session", title: "Save the bones", keys: ["Ctrl+s"], run: (s) => s.store.set({ dialog: { kind: "save" } }) },
  open: { group: "Session", title: "Open an image, or go on with a session", keys: ["Ctrl+o"], always: true, run: (s) => s.showOpen() },
  help: { group: "Session", title: "Help", keys: ["?", "F1"], always: true, run: (s) => s.store.set({ dialog: { kind: "help" } }) },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

/** A command by its name. */
export function command(name: CommandName): Command {
  return COMMANDS[name];
}

/** Whether a command can be done now. */
export function can(name: CommandName, studio: Studio): boolean {
  const one_ = command(name);
  if (!studio.state.session || studio.state.phase !== "ready") return one_.always ?? false;
  return one_.can?.(studio) ?? true;
}

function step_(mm: number): number {
  return mm < 2 || mm > 12 ? (mm < 2 ? 0.5 : 4) : 1;
}

function flagged(studio: Studio, by: number): void {
  const { flagged: slices, axis } = studio.session;
  const at = slices.indexOf(studio.state.crosshair[axis]!);
  const n = slices.length;
  studio.goTo(slices[at < 0 ? 0 : (at + by + n) % n]!);
}

function selectNext(studio: Studio): void {
  const labels = studio.session.bones.map((bone) => bone.label);
  const at = labels.indexOf(selected(studio) ?? -1);
  studio.selectBone(labels[(at + 1) % labels.length]!);
}
