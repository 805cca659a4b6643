// The kernel laboratory: how far a kernel of a given width can pull two crowds of codes together.

import { makeChart, makeLegend, told } from "./chart.js";
import { makeCrowds } from "./crowds.js";
import { KERNELS, mmd2, mmd2Along } from "./kernels.js";
import { makeKnobs } from "./knobs.js";
import { readNumbers } from "./network.js";
import { atRest, make, makeMenu, oncePerFrame } from "./page.js";

const FARTHEST = 8;
const ARROW = 1; // units of the plane for a gradient of 1 / n
const STEPS = 25;
const LEAST_ROOM = 0.2;
const along = (count) => Array.from({ length: count }, (_, i) => (FARTHEST * i) / (count - 1));
const RADII = along(201);
const DISTANCES = along(STEPS);
const KERNEL_SENTENCE = "Training should spread the codes (dots) like the prior (crosses). Move them away, change the kernel's width, and see when MMD² still pulls.";

// scene: { knobs, function, prior, codes }, the crowds float32, x, y, x, y, ..., both drawn from N(0, I).
export function makeKernelLab(scene, host) {
  const prior = Float64Array.from(readNumbers(scene.prior, "float32"));
  const drawn = Float64Array.from(readNumbers(scene.codes, "float32"));
  const draw = oncePerFrame(redraw);
  const say = atRest((words) => (status.textContent = words), 300);
  const { values, rows, reset } = makeKnobs(scene.knobs, host.id, draw);
  const menu = makeMenu("Kernel", Object.entries(KERNELS).map(([kind, { name }]) => [kind, name]), draw);
  menu.input.value = scene.function;
  reset.addEventListener("click", () => (menu.input.value = scene.function));
  const radius = { label: "distance r", min: 0, max: FARTHEST };
  const height = makeChart({ name: "Kernel k(r)", lines: ["at distance"], x: radius, y: { label: "k" } });
  const slope = makeChart({ name: "Its derivative k′(r)", lines: ["at distance"], x: radius, y: { label: "dk / dr" } });
  const estimate = makeChart({ name: "MMD² against the distance", lines: ["at distance"],
    x: { ...radius, label: "distance of the centres" }, y: { label: "MMD²" } });
  const crowds = makeCrowds("The two crowds");
  const numbers = makeLegend(["its slope by the distance", "norm of its gradient by the codes"], () => "");
  const status = make("p", { class: "vx-status vx-unseen", role: "status" });
  const curve = remembered((kind, width, spread) => mmd2Along(prior, drawn.map((value) => spread * value), DISTANCES, KERNELS[kind], width));

  function redraw() {
    const { distance, spread, width } = values;
    const kind = menu.input.value;
    const kernel = KERNELS[kind];
    const here = `at distance ${told(distance, 2)}`;
    const of = (r) => kernel.value(r * r, width);
    const steepness = (r) => 2 * r * kernel.slope(r * r, width);
    const line = (f) => [{ points: RADII.map((r) => [r, f(r)]), at: [distance, f(distance)], told: told(f(distance)), name: here }];
    height.draw({ y: [0, 1.1 * kernel.most], guide: distance, series: line(of) });
    const steepest = roomFor(RADII.map((r) => -steepness(r)));
    slope.draw({ y: [-steepest, steepest / 10], guide: distance, series: line(steepness) });
    const codes = drawn.map((value, i) => spread * value + (i % 2 ? 0 : distance));
    const { value, gradient } = mmd2(prior, codes, kernel, width);
    const n = codes.length / 2;
    crowds.draw(prior, codes, gradient.map((part) => -ARROW * n * part));
    const heights = curve(kind, width, spread);
    const highest = roomFor([...heights, value]);
    estimate.draw({ y: [-highest / 10, highest], guide: distance,
      series: [{ points: DISTANCES.map((r, i) => [r, heights[i]]), at: [distance, value], told: told(value), name: here }] });
    const pull = gradient.reduce((sum, part, i) => (i % 2 ? sum : sum + part), 0);
    const norm = Math.hypot(...gradient);
    numbers.show([told(pull), told(norm)]);
    say(`${kernel.name} of width ${told(width, 2)}: MMD² is ${told(value)}, its slope by the distance ${told(pull)}, the norm of its gradient ${told(norm)}`);
  }

  const head = make("div", { class: "vx-knobs" },
    make("p", { class: "vx-sentence" }, KERNEL_SENTENCE), menu.element, rows.width, rows.distance, rows.spread);
  estimate.element.append(numbers.element);
  return {
    element: make("div", { class: "vx-stage vx-lab" },
      make("div", { class: "vx-charts vx-kernel-lab" }, head, height.element, slope.element, crowds.element, estimate.element),
      make("div", { class: "vx-lab-foot" }, reset, status)),
    fits: () => false,
    show: redraw,
    stop: () => [draw, say].forEach((part) => part.cancel()),
  };
}

// How far an axis must reach for these values, in steps, so that it rests while a slider moves; a curve that is nearly
// flat is to look flat.
function roomFor(values) {
  const most = Math.max(LEAST_ROOM, 1.02 * Math.max(...values));
  const power = 10 ** Math.floor(Math.log10(most));
  return power * [1, 1.5, 2, 3, 5, 7.5, 10].find((times) => times * power >= most);
}

// A function that keeps its last answer: while the crowds only move apart, their curve stays what it was.
function remembered(compute) {
  let question = "";
  let answer = null;
  return (...values) => {
    if (question !== values.join()) [question, answer] = [values.join(), compute(...values)];
    return answer;
  };
}
