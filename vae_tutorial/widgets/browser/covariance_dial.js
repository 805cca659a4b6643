// Dials through stored runs, and the covariance of the codes of the present one as a table of coloured squares.

import { makeLegend } from "./chart.js";
import { atRest, hundredths, make, makeButton, oncePerFrame, signed } from "./page.js";
import { digitsOf, makeSettings } from "./settings.js";

const WRITTEN = 12; // latents of a matrix in whose cells there is room for numbers
const STATISTICS = ["Mean |correlation|", "Largest |correlation|", "Smallest variance", "Largest variance"];
const INVITATION_TO_CELLS = "Point at a cell, or go there with the arrow keys, to read its numbers.";
// What cells show: colour(value, on the diagonal) is 0 without colour and ±1 at the ends of the scale, NaN without any;
// scales are the numbers that stand at its ends and in the middle.
const COVARIANCE_VIEWS = [
  {
    name: "Covariance",
    sentence: "A cell without colour is as the prior has it and the penalty wants it: covariance 0, and on the diagonal variance 1.",
    colour: (value, same) => value - (same ? 1 : 0),
    scales: [["covariance", [-1, 0, 1]], ["variance", [0, 1, 2]]],
  },
  {
    name: "Correlation",
    sentence: "Covariance divided by both standard deviations: small variances do not hide it. On the diagonal it is 1 in every run.",
    colour: (value, same) => (same ? NaN : value),
    scales: [["correlation", [-1, 0, 1]]],
  },
];

// scene: { knobs, numbers: [{ name, unit }], runs: [{ covariance: [z][z], numbers }] }: the knobs and the order of the
// runs as in settings.js.
export function makeCovarianceDial({ knobs, numbers, runs }, host) {
  const draw = oncePerFrame(redraw);
  const tell = atRest((words) => (told.textContent = words));
  const say = atRest((words) => (status.textContent = words));
  const settings = makeSettings(knobs, host.id, draw);
  const map = makeHeatMap(runs[0].covariance.length, () => say(pairWords()));
  const names = [...STATISTICS, ...numbers.map(({ name }) => name)];
  const units = [...STATISTICS.map(() => ""), ...numbers.map(({ unit }) => unit)];
  const legend = makeLegend(names, () => "");
  const sentence = make("p", { class: "vx-sentence" });
  const scale = makeColourScale();
  const status = make("p", { class: "vx-status", role: "status" });
  const told = make("p", { class: "vx-unseen", role: "status" }); // what the numbers show already
  const buttons = COVARIANCE_VIEWS.map((one) => makeButton(one.name, () => ((view = one), redraw())));
  let view = COVARIANCE_VIEWS[0];
  let covariance, correlation;

  function redraw() {
    const run = runs[settings.run()];
    covariance = run.covariance;
    correlation = correlationsOf(covariance);
    const values = [...statisticsOf(covariance, correlation), ...run.numbers]
      .map((value, i) => (Number.isNaN(value) ? "none" : `${digitsOf(value)} ${units[i]}`.trim()));
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(COVARIANCE_VIEWS[i] === view)));
    sentence.textContent = view.sentence;
    scale.show(view, map.show(view.name, view === COVARIANCE_VIEWS[0] ? covariance : correlation, view.colour));
    legend.show(values);
    tell(`${settings.words()}: ${names.map((name, i) => `${name} ${values[i]}`).join(", ")}.`);
    say(pairWords());
  }
  function pairWords() {
    if (!map.pair()) return INVITATION_TO_CELLS;
    const [i, j] = map.pair();
    if (i === j) return `${called(i)}: variance ${digitsOf(covariance[i][i])}.`;
    const r = correlation[i][j];
    return `${called(i)} and ${called(j)}: covariance ${digitsOf(covariance[i][j])}, ${Number.isFinite(r) ? `correlation ${digitsOf(r)}` : "no correlation, as a variance is 0"}.`;
  }

  return {
    element: make("div", { class: "vx-stage vx-lab" }, make("div", { class: "vx-covariance" }, settings.element,
      make("section", { class: "vx-lab-part vx-covariance-map", "aria-label": "Covariance of the codes" },
        make("div", { class: "vx-modes", role: "group", "aria-label": "What the cells show" }, ...buttons), sentence, map.element, status, scale.element),
      make("section", { class: "vx-lab-part vx-covariance-told", "aria-label": "Numbers of the run" }, legend.element, told))),
    fits: () => false,
    show: redraw,
    stop: () => [draw, tell, say].forEach((part) => part.cancel()),
  };
}

const called = (latent) => `z[${latent}]`; // as in Python

// NaN, or without end, where a variance is 0.
export const correlationsOf = (covariance) =>
  covariance.map((row, i) => row.map((value, j) => value / (Math.sqrt(covariance[i][i]) * Math.sqrt(covariance[j][j]))));

// In the order of STATISTICS; NaN for a correlation where there is none.
export function statisticsOf(covariance, correlation) {
  const pairs = correlation.flatMap((row, i) => row.slice(0, i)).filter(Number.isFinite).map(Math.abs);
  const variances = covariance.map((row, i) => row[i]);
  const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
  return [mean, pairs.length ? Math.max(...pairs) : NaN, Math.min(...variances), Math.max(...variances)];
}

// A square table of z x z coloured cells, of which one may be marked by keys, a finger or the pointer; marked() is called
// when another one is. -> { element, pair(): [row, column] of the marked cell, show(name, values, colour) -> those that
// lie beyond the scale }
function makeHeatMap(z, marked) {
  const latents = Array.from({ length: z }, (_, i) => i);
  const head = (i, role) => make("span", { role, class: `vx-heat-head${i % 5 === 0 ? "" : " vx-heat-between"}` }, i);
  const tops = latents.map((i) => head(i, "columnheader"));
  const sides = latents.map((i) => head(i, "rowheader"));
  const cells = latents.map((i) => latents.map((j) => make("span", { role: "gridcell", class: "vx-heat-cell", tabindex: -1, "data-row": i, "data-column": j })));
  const line = (...children) => make("div", { role: "row", class: "vx-heat-row" }, ...children);
  const grid = make("div", { role: "grid", class: `vx-heat${z <= WRITTEN ? " vx-heat-written" : ""}` },
    line(make("span", { role: "columnheader", class: "vx-heat-head" }, "z"), ...tops), ...cells.map((row, i) => line(sides[i], ...row)));
  let held = null; // the cell that had the keys last
  let under = null; // the one below the pointer
  let here = null;

  function mark() {
    const cell = under ?? held;
    if (cell === here) return;
    here = cell;
    const pair = placeOfCell(here);
    for (const each of grid.querySelectorAll(".vx-here")) each.classList.remove("vx-here");
    if (pair) for (const each of [here, sides[pair[0]], tops[pair[1]]]) each.classList.add("vx-here");
    marked();
  }
  grid.addEventListener("focusin", ({ target }) => {
    (held ?? cells[0][0]).tabIndex = -1;
    target.tabIndex = 0;
    [held, under] = [target, null];
    mark();
  });
  grid.addEventListener("pointerover", ({ target }) => ((under = target.closest(".vx-heat-cell")), mark()));
  grid.addEventListener("pointerleave", () => ((under = null), mark()));
  grid.addEventListener("keydown", (event) => {
    const [i, j] = placeOfCell(event.target);
    const last = z - 1;
    const moves = { ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1], ArrowRight: [i, j + 1], Home: [i, 0], End: [i, last], PageUp: [0, j], PageDown: [last, j] };
    if (!Object.hasOwn(moves, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [row, column] = moves[event.key].map((at) => Math.min(last, Math.max(0, at)));
    cells[row][column].focus();
  });
  cells[0][0].tabIndex = 0;

  return {
    element: make("div", { class: "vx-heat-frame", style: `--vx-latents: ${z}` }, grid),
    pair: () => placeOfCell(here),
    show(name, values, colour) {
      grid.setAttribute("aria-label", `${name} of every pair of latents. Arrow keys move from cell to cell.`);
      const beyond = [];
      cells.forEach((row, i) => row.forEach((cell, j) => {
        const [value, part] = [values[i][j], colour(values[i][j], i === j)];
        const none = !Number.isFinite(part);
        const far = Math.abs(part) > 1;
        if (far && !none) beyond.push(value);
        cell.textContent = Number.isFinite(value) ? short(value) : "–";
        cell.classList.toggle("vx-heat-none", none);
        cell.classList.toggle("vx-heat-below", part < 0);
        cell.classList.toggle("vx-heat-far", far && !none);
        cell.style.setProperty("--vx-part", `${none ? 0 : 100 * Math.min(1, Math.abs(part))}%`);
      }));
      return beyond;
    },
  };
}

const placeOfCell = (cell) => cell && [Number(cell.dataset.row), Number(cell.dataset.column)];

// At most five signs, so that they have room in a cell.
const short = (value) => signed(hundredths(value), Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);

// The colours with the numbers that they stand for. -> { element, show(view, values beyond the scale) }
function makeColourScale() {
  const rows = make("div", { class: "vx-heat-scale", "aria-hidden": "true" });
  const note = make("p", { class: "vx-note" });
  const mark = (value, i) => make("span", { style: `left: ${50 * i}%` }, signed(value, 0));
  return {
    element: make("div", {}, rows, note),
    show({ scales }, beyond) {
      rows.replaceChildren(make("span"), make("span", { class: "vx-heat-bar" }),
        ...scales.flatMap(([name, values]) => [make("span", {}, name), make("span", { class: "vx-heat-marks" }, ...values.map(mark))]));
      const farthest = beyond.reduce((far, value) => (Math.abs(value) > Math.abs(far) ? value : far), 0);
      note.textContent = beyond.length ? `A corner marks a value beyond the scale; the farthest is ${digitsOf(farthest)}.` : "";
    },
  };
}
