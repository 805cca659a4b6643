// Dials through stored training runs: one dial for each setting, one chart for each curve.

import { makeChart, told } from "./chart.js";
import { makeKnob } from "./dial.js";
import { atRest, make, oncePerFrame } from "./page.js";

const RUN_SENTENCE = "In colour the stored run with these settings, in grey all others.";
const [NARROWEST, LETTER] = [250, 8]; // pixels of a dial and of a letter under it

// scene: { knobs: [{ name, stops, at }], curves: [{ name, unit, log, axis }], steps, runs }: one run for each combination
// of stops, those of the last knob following one another, and in it one list of numbers for each curve.
export function makeRunDial({ knobs, curves, steps, runs }, host) {
  const draw = oncePerFrame(redraw);
  const say = atRest((words) => (status.textContent = words));
  const places = knobs.map(({ at }) => at);
  const dials = knobs.map(({ name, stops }, k) => makeKnob(name, stops, `${host.id}-${k}`, (i) => turn(k, i)));
  const x = { label: "step", min: 0, max: steps.at(-1) };
  const charts = curves.map(({ name, unit, log }) =>
    makeChart({ name, lines: [""], x, y: { label: [unit, log && "logarithmic"].filter(Boolean).join(", "), log } }));
  const status = make("p", { class: "vx-status", role: "status" });

  function turn(k, i) {
    places[k] = i;
    dials[k].show(i);
    draw();
  }
  function redraw() {
    const present = runs[places.reduce((at, place, k) => at * knobs[k].stops.length + place, 0)];
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
    say(`${knobs.map((_, k) => dials[k].words(places[k])).join(", ")}: ${verdict(present, last, diverged)}`);
  }
  function verdict(run, last, diverged) {
    if (last === undefined) return `diverged before step ${steps[0]}, the first that was stored.`;
    const numbers = curves.map(({ name, unit }, c) => `${name} ${digitsOf(run[c].at(-1))} ${unit}`.trim()).join(", ");
    return `${diverged ? `diverged; its last finite numbers, at step ${last}` : `at step ${last}`}: ${numbers}.`;
  }

  dials.forEach((dial, k) => {
    const { stops } = knobs[k];
    const widest = LETTER * Math.max(...stops.map((words) => words.length));
    dial.element.classList.toggle("vx-crowded", widest * stops.length > NARROWEST);
    dial.element.style.setProperty("--vx-widest", `${widest}px`);
    dial.show(places[k]);
  });
  return {
    element: make("div", { class: "vx-stage vx-lab vx-runs" },
      make("section", { class: "vx-lab-part", "aria-label": "Settings" }, ...dials.map(({ element }) => element)),
      make("section", { class: "vx-lab-part vx-lab-wide", "aria-label": "Curves" },
        make("p", { class: "vx-sentence" }, RUN_SENTENCE), make("div", { class: "vx-charts" }, ...charts.map(({ element }) => element))),
      make("div", { class: "vx-lab-foot" }, status)),
    fits: () => false,
    show: redraw,
    stop: () => [draw, say].forEach((part) => part.cancel()),
  };
}

// Four digits where a number is of common size.
const digitsOf = (value) => told(value, Math.min(3, Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))))));
