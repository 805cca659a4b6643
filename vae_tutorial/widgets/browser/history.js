// Undo: poses to go back to.

import { makeButton } from "./page.js";

const PAUSE = 600; // milliseconds: moves of one kind that follow each other faster are undone together
const KEPT = 100;

// back(pose) is called with the pose to return to. -> { element, keep(pose, kind) }
export function makeHistory(back) {
  const poses = [];
  let last = { kind: null, at: 0 };
  const element = makeButton("Undo", () => {
    last = { kind: null, at: 0 };
    const pose = poses.pop();
    element.disabled = poses.length === 0;
    if (pose) back(pose);
  }, { disabled: true });
  return {
    element,
    keep(pose, kind = null) {
      const at = performance.now();
      const same = kind !== null && kind === last.kind && at - last.at < PAUSE;
      last = { kind, at };
      if (same) return;
      poses.push(pose);
      if (poses.length > KEPT) poses.shift();
      element.disabled = false;
    },
  };
}
