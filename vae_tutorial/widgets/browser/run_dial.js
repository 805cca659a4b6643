// Dials through stored training runs: one dial for each setting, one chart for each curve.

import { makeChart } from "./chart.js";
import { atRest, make, oncePerFrame } from "./page.js";
import { digitsOf, makeSettings } from "./settings.js";

const RUN_SENTENCE = "In colour the stored run with these settings, in grey all others.";

// scene: { knobs, curves: [{ name, unit, log, axis }], steps, runs }: the knobs and the order of the runs as in settings.js,
// in each run one list of numbers for each curve.
export function makeRunDial({ knobs, curves, steps, runs }, host) {
  const draw = oncePerFrame(redraw);
  const say = atRest((words) => (status.textContent = words));
  const settings = makeSettings(knobs, host.id, draw);
  const x = { label: "step", min: 0, max: steps.at(-1) };
  const charts = curves.map(({ name, unit, log }) =>
    makeChart({ name, lines: [""], x, y: { label: [unit, log && "logarithmic"].filter(Boolean).join(", "), log } }));
  const status = make("p", { class: "vx-status", role: "status" });

  function redraw() {
    const present = runs[settings.run()];
    const count = present[0].length;
    const last = steps[count - 1];
    const diverged = count < steps.length;
    charts.forEach((chart, c) => {
      const points = present[c].map((value, i) => [steps[i], value]);
      const behind = runs.filter((run) => run !== present).map((run) => run[c].map((value, i) => [steps[i], value]));
      const name = `${diverged ? "diverged, " : ""}${count ? `step ${last}` : "no numbers"}`;
      const told = count ? digitsOf(present[c].at(-1)) : "";
      chart.draw({ y: curves[c].axis, guide: diverged ? last : undefined, behind, series: [{ points, at: points.at(-1), told, name }] });
    });
    say(`${settings.words()}: ${verdict(present, last, diverged)}`);
  }
  function verdict(run, last, diverged) {
    if (last === undefined) return `diverged before step ${steps[0]}, the first that was stored.`;
    const numbers = curves.map(({ name, unit }, c) => `${name} ${digitsOf(run[c].at(-1))} ${unit}`.trim()).join(", ");
    return `${diverged ? `diverged; its last finite numbers, at step ${last}` : `at step ${last}`}: ${numbers}.`;
  }

  return {
    element: make("div", { class: "vx-stage vx-lab" }, settings.element,
      make("section", { class: "vx-lab-part vx-lab-wide", "aria-label": "Curves" },
        make("p", { class: "vx-sentence" }, RUN_SENTENCE), make("div", { class: "vx-charts" }, ...charts.map(({ element }) => element))),
      make("div", { class: "vx-lab-foot" }, status)),
    fits: () => false,
    show: redraw,
    stop: () => [draw, say].forEach((part) => part.cancel()),
  };
}
