// All commands with their keys: buttons, shortcuts and the help sheet are made from this list.

import type { ToolName } from "../session/store";
import type { Studio } from "../session/studio";
import { LAYOUTS, type LayoutName } from "../view/layouts";
import { screenStep } from "../view/moves";
import { TOOLS, type Tools } from "./tools";

export type Group = "Tools" | "Segment" | "Correct" | "Bones" | "Slices" | "View" | "Session";

export interface Command {
  group: Group;
  title: string;
  keys: string[];
  run(studio: Studio, tools: Tools): void;
  /** Whether it can be done now; left out where it always can. */
  can?(studio: Studio): boolean;
  /** Whether it works without an image. */
  always?: boolean;
}

const TOOL_KEYS: Record<ToolName, string> = {
  look: "v",
  point: "p",
  box: "x",
  scribble: "s",
  lasso: "l",
  brush: "b",
  eraser: "e",
};
const LAYOUT_KEYS: Record<LayoutName, string> = { main: "1", planes: "2", single: "3", mosaic: "4", solid: "5" };

const tool = (name: ToolName): Command => ({
  group: "Tools",
  title: `${TOOLS[name].title}: ${TOOLS[name].hint.charAt(0).toLowerCase()}${TOOLS[name].hint.slice(1)}`,
  keys: [TOOL_KEYS[name]],
  run: (studio, tools) => {
    tools.drop();
    studio.store.set({ tool: name });
  },
});

const layout = (name: LayoutName): Command => ({
  group: "View",
  title: LAYOUTS[name],
  keys: [LAYOUT_KEYS[name]],
  run: (s) => s.setLayout(name),
});

const step = (title: string, keys: string[], by: number): Command => ({
  group: "Slices",
  title,
  keys,
  run: (s) => s.step(by),
});

const move = (title: string, keys: string[], dx: number, dy: number): Command => ({
  group: "Slices",
  title,
  keys,
  run: (s) => s.lookAt(screenStep(s.viewer, dx, dy)),
});

const hasMask = (s: Studio): boolean => s.session.mask_slices.length > 0 && !s.session.job;
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
  thinner: {
    group: "Tools",
    title: "Smaller brush",
    keys: ["["],
    run: (s) => s.store.set(({ brushMm }) => ({ brushMm: Math.max(0.5, brushMm - brushStep(brushMm)) })),
  },
  thicker: {
    group: "Tools",
    title: "Larger brush",
    keys: ["]"],
    run: (s) => s.store.set(({ brushMm }) => ({ brushMm: Math.min(40, brushMm + brushStep(brushMm)) })),
  },
  press: {
    group: "Tools",
    title: "Use the tool at the crosshair: bone",
    keys: ["Space"],
    run: (_, tools) => tools.press(true),
  },
  pressOther: {
    group: "Tools",
    title: "Use the tool at the crosshair: not bone",
    keys: ["Shift+Space"],
    run: (_, tools) => tools.press(false),
  },

  automaticSlice: {
    group: "Segment",
    title: "Segment all bone on this slice",
    keys: ["a"],
    can: idle,
    run: (s) => void s.act("automatic", { slices: [slice(s)] }, { clicked: true }),
  },
  automaticRange: {
    group: "Segment",
    title: "Segment all bone on a range of slices",
    keys: ["Alt+a"],
    can: idle,
    run: (s) => s.store.set({ dialog: { kind: "range", verb: "automatic" } }),
  },
  automaticVolume: {
    group: "Segment",
    title: "Segment all bone in the volume",
    keys: ["Shift+a"],
    can: idle,
    run: (s) => void s.act("automatic", {}),
  },
  propagate: {
    group: "Segment",
    title: "Propagate the current mask through the slices",
    keys: ["f"],
    can: hasMask,
    run: (s) => void s.act("propagate", {}),
  },
  propagateRange: {
    group: "Segment",
    title: "Propagate over a range of slices",
    keys: ["Shift+f"],
    can: hasMask,
    run: (s) => s.store.set({ dialog: { kind: "range", verb: "propagate" } }),
  },
  keep: {
    group: "Segment",
    title: "Keep only the connected component under the crosshair",
    keys: ["q"],
    can: hasMask,
    run: (s) => void s.act("keep", { ijk: s.state.crosshair }, { clicked: true }),
  },
  interpolate: {
    group: "Segment",
    title: "Interpolate between the slices of the current mask",
    keys: ["i"],
    can: hasMask,
    run: (s) => void s.act("interpolate", {}, { clicked: true }),
  },
  interpolateRange: {
    group: "Segment",
    title: "Interpolate over a range of slices",
    keys: ["Shift+i"],
    can: hasMask,
    run: (s) => s.store.set({ dialog: { kind: "range", verb: "interpolate" } }),
  },
  cancel: {
    group: "Segment",
    title: "Discard the stroke; cancel the job",
    keys: ["Escape"],
    run: (s, tools) => void (tools.drop() || (s.session.job && s.act("cancel"))),
  },

  undo: {
    group: "Correct",
    title: "Undo",
    keys: ["Ctrl+z"],
    can: (s) => s.session.can_undo && idle(s),
    run: (s) => void s.act("undo"),
  },
  redo: {
    group: "Correct",
    title: "Redo",
    keys: ["Ctrl+Shift+z", "Ctrl+y"],
    can: (s) => s.session.can_redo && idle(s),
    run: (s) => void s.act("redo"),
  },
  reset: {
    group: "Correct",
    title: "Clear current mask",
    keys: ["Backspace"],
    can: idle,
    run: (s) => void s.act("reset"),
  },

  commit: {
    group: "Bones",
    title: "Commit the current mask as a bone; end a line set by keyboard",
    keys: ["Enter"],
    can: (s) => hasMask(s) || s.state.pending.length > 0,
    run: (s, tools) => {
      if (!tools.complete() && hasMask(s)) s.store.set({ dialog: { kind: "commit" } });
    },
  },
  edit: {
    group: "Bones",
    title: "Edit the selected bone: it becomes the current mask",
    keys: ["d"],
    can: one,
    run: (s) => void s.act("edit", { label: selected(s) }),
  },
  rename: {
    group: "Bones",
    title: "Rename the selected bone",
    keys: ["r", "F2"],
    can: one,
    run: (s) => s.store.set({ dialog: { kind: "rename", label: selected(s) } }),
  },
  split: {
    group: "Bones",
    title: "Split the selected bone into its connected components",
    keys: ["k"],
    can: one,
    run: (s) => void s.act("split", { label: selected(s) }),
  },
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
  remove: {
    group: "Bones",
    title: "Remove the selected bone",
    keys: ["Delete"],
    can: one,
    run: (s) => void s.act("remove", { label: selected(s) }).then(() => s.store.set({ selected: new Set() })),
  },
  selectNext: {
    group: "Bones",
    title: "Select the next bone",
    keys: ["j"],
    can: (s) => s.session.bones.length > 0,
    run: selectNext,
  },
  hide: {
    group: "Bones",
    title: "Hide or show the selected bone",
    keys: ["t"],
    can: (s) => s.state.selected.size > 0,
    run: (s) => s.state.selected.forEach((label) => s.setHidden(label, !s.state.hidden.has(label))),
  },

  next: step("Next slice", ["PageDown", "."], 1),
  previous: step("Previous slice", ["PageUp", ","], -1),
  nextFlagged: {
    group: "Slices",
    title: "Next flagged slice, lowest confidence first",
    keys: ["n"],
    can: (s) => s.session.flagged.length > 0,
    run: (s) => flagged(s, 1),
  },
  previousFlagged: {
    group: "Slices",
    title: "Previous flagged slice",
    keys: ["Shift+n"],
    can: (s) => s.session.flagged.length > 0,
    run: (s) => flagged(s, -1),
  },
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
  compare: {
    group: "View",
    title: "Compare with another series",
    keys: ["c"],
    can: (s) => s.session.other_series.length > 0,
    run: (s) => void s.compareWith(s.state.compared ? null : s.session.other_series[0]!.key),
  },
  mask: {
    group: "View",
    title: "Hide or show masks",
    keys: ["m"],
    run: (s) => s.setOverlay({ shown: !s.state.overlay.shown }),
  },
  outline: {
    group: "View",
    title: "Outline or fill",
    keys: ["o"],
    run: (s) => s.setOverlay({ outline: !s.state.overlay.outline, shown: true }),
  },
  heat: {
    group: "View",
    title: "Probability of bone as a heat map",
    keys: ["h"],
    run: (s) => s.setOverlay({ heat: !s.state.overlay.heat, shown: true }),
  },
  clearer: {
    group: "View",
    title: "Masks more transparent",
    keys: ["{"],
    run: (s) => s.setOverlay({ opacity: Math.max(0.1, s.state.overlay.opacity - 0.1) }),
  },
  denser: {
    group: "View",
    title: "Masks more opaque",
    keys: ["}"],
    run: (s) => s.setOverlay({ opacity: Math.min(1, s.state.overlay.opacity + 0.1) }),
  },
  window: {
    group: "View",
    title: "Automatic window",
    keys: ["w"],
    run: (s) => s.setWindowPreset("auto"),
  },
  wider: { group: "View", title: "Wider window", keys: ["Alt+ArrowRight"], run: (s) => s.windowBy(20, 0) },
  narrower: { group: "View", title: "Narrower window", keys: ["Alt+ArrowLeft"], run: (s) => s.windowBy(-20, 0) },
  brighter: { group: "View", title: "Brighter", keys: ["Alt+ArrowUp"], run: (s) => s.windowBy(0, -12) },
  darker: { group: "View", title: "Darker", keys: ["Alt+ArrowDown"], run: (s) => s.windowBy(0, 12) },
  zoomIn: { group: "View", title: "Zoom in", keys: ["+", "="], run: (s) => s.zoomBy(1.25) },
  zoomOut: { group: "View", title: "Zoom out", keys: ["-"], run: (s) => s.zoomBy(0.8) },
  resetView: { group: "View", title: "Fit the image", keys: ["0"], run: (s) => s.resetView() },
  smooth: {
    group: "View",
    title: "Interpolate voxels, or show them as blocks",
    keys: ["y"],
    run: (s) => s.setSmooth(!s.state.smooth),
  },
  sides: {
    group: "View",
    title: "Radiological or neurological orientation",
    keys: ["u"],
    run: (s) => s.setRadiological(!s.state.radiological),
  },

  theme: {
    group: "View",
    title: "Light or dark theme",
    keys: ["Alt+t"],
    always: true,
    run: (s) => s.setTheme(s.state.theme === "dark" ? "light" : "dark"),
  },

  save: {
    group: "Session",
    title: "Save the bones",
    keys: ["Ctrl+s"],
    run: (s) => s.store.set({ dialog: { kind: "save" } }),
  },
  open: {
    group: "Session",
    title: "Open an image or resume a session",
    keys: ["Ctrl+o"],
    always: true,
    run: (s) => s.showOpen(),
  },
  help: {
    group: "Session",
    title: "Help",
    keys: ["?", "F1"],
    always: true,
    run: (s) => s.store.set({ dialog: { kind: "help" } }),
  },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

/** Return a command by its name. */
export function command(name: CommandName): Command {
  return COMMANDS[name];
}

/** Return whether a command can be done now. */
export function can(name: CommandName, studio: Studio): boolean {
  const found = command(name);
  if (!studio.state.session || studio.state.phase !== "ready") return found.always ?? false;
  return found.can?.(studio) ?? true;
}

function brushStep(mm: number): number {
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
