// Small line charts as SVG: axes, up to three lines with a marked point on each, and the points' values in words.

import { drawing, make } from "./page.js";

const WIDTH = 300;
const HEIGHT = 200;
const FRAME = { left: 34, right: 294, top: 22, bottom: 164 };
// Lines differ in dashes and their points in form, so that colour is never the only sign.
const POINTS = ["M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0", "M-4.5 -4.5h9v9h-9z", "M0 -6l5.8 10h-11.6z"];

// lines: their names; x: { label, min, max }; y: { label, log }, log for a logarithmic axis.
// -> { element, draw({ y: [min, max], x: [min, max] unless it stays, series, behind, guide }) }: one { points: [[x, y], ...],
// at: [x, y], told, name unless it stays } per line, the points of any number of faint lines behind them, and the x of a
// dashed line from top to bottom. Without `at` a line has no marked point.
export function makeChart({ name, lines, x, y, filled = false }) {
  const id = `vx-clip${Math.random().toString(36).slice(2)}`;
  const axes = drawing("g", { class: "vx-chart-axes" });
  const guide = drawing("path", { class: "vx-guide" });
  const others = drawing("path", { class: "vx-behind" });
  const drawn = lines.map((_, i) => makeLine(i, filled));
  const legend = makeLegend(lines);
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name },
    drawing("clipPath", { id }, drawing("rect", { x: FRAME.left, y: FRAME.top, width: FRAME.right - FRAME.left, height: FRAME.bottom - FRAME.top })),
    axes, drawing("g", { "clip-path": `url(#${id})` }, others, guide, ...drawn.map(({ path }) => path)), ...drawn.map(({ point }) => point));
  const height = y.log ? Math.log10 : (value) => value;
  let shown = "";
  function draw({ y: [low, high], x: [left, right] = [x.min, x.max], series, behind = [], guide: at }) {
    const across = ruler(left, right, FRAME.left, FRAME.right);
    const scale = ruler(height(low), height(high), FRAME.bottom, FRAME.top);
    const up = (value) => scale(height(value));
    const range = `${left} ${right} ${low} ${high}`;
    if (range !== shown) axes.replaceChildren(...drawAxes(across, up, ticks(left, right), (y.log ? logTicks : ticks)(low, high), x.label, y.label));
    shown = range;
    guide.setAttribute("d", at === undefined ? "" : `M${across(at).toFixed(1)} ${FRAME.top}V${FRAME.bottom}`);
    others.setAttribute("d", behind.map((points) => polyline(points, across, up)).join(""));
    series.forEach((one, i) => drawn[i].draw(one, across, up));
    legend.show(series.map(({ told = "", at }) => (at ? beyondSign(at[1], low, high) : "") + told), series.map(({ name }, i) => name ?? lines[i]));
  }
  return { element: make("figure", { class: "vx-chart" }, make("figcaption", {}, name), svg, legend.element), draw };
}

// A value beyond its axis is pointed at, in the legend as in the chart.
const beyondSign = (value, low, high) => (value > high ? "↑ " : value < low ? "↓ " : "");

function makeLine(i, filled) {
  const path = drawing("path", { class: `vx-line-${i}${filled ? " vx-filled" : ""}` });
  const point = drawing("path", { class: `vx-point vx-point-${i}`, d: POINTS[i] });
  return {
    path,
    point,
    draw({ points, at }, across, up) {
      path.setAttribute("d", polyline(points, across, up));
      point.toggleAttribute("hidden", !at);
      if (!at) return;
      const [px, py] = [heldIn(across(at[0]), FRAME.left, FRAME.right), heldIn(up(at[1]), FRAME.top, FRAME.bottom)];
      point.setAttribute("transform", `translate(${px.toFixed(1)} ${py.toFixed(1)})`);
      point.classList.toggle("vx-beyond", Math.abs(py - up(at[1])) > 0.5); // a value beyond the axis waits at its end
    },
  };
}

// Far beyond the frame numbers are cut: a path may hold no infinities.
function polyline(points, across, up) {
  const place = ([x, y]) => `${across(x).toFixed(1)} ${heldIn(up(y), -1e4, 1e4).toFixed(1)}`;
  return points.length ? `M${points.map(place).join("L")}` : "";
}

const heldIn = (value, low, high) => Math.min(high, Math.max(low, value));

const ruler = (from, to, start, end) => (value) => start + ((value - from) / (to - from)) * (end - start);

function drawAxes(across, up, acrossTicks, upTicks, label, upLabel) {
  const grid = upTicks.map((value) => `M${FRAME.left} ${up(value).toFixed(1)}H${FRAME.right}`).join("");
  const text = (words, x, y, anchor, kind = "vx-tick") => drawing("text", { class: kind, x, y, "text-anchor": anchor }, words);
  return [
    drawing("path", { class: "vx-grid", d: grid }),
    ...upTicks.map((value) => text(plain(value), FRAME.left - 6, up(value) + 3.5, "end")),
    ...acrossTicks.map((value) => text(plain(value), across(value).toFixed(1), FRAME.bottom + 15, "middle")),
    text(label, (FRAME.left + FRAME.right) / 2, HEIGHT - 6, "middle", "vx-axis-name"),
    text(upLabel, 0, 9, "start", "vx-axis-name"),
  ];
}

// Round numbers in [low, high], about six of them.
export function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough * 0.99);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// Powers of ten in [low, high], about six of them; between few of them 1, 2 and 5 times such a power, or round numbers.
export function logTicks(low, high) {
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) powers.push(power);
  const within = (values) => values.filter((value) => value >= low && value <= high);
  const tens = within(powers.map((power) => Number(`1e${power}`)));
  if (tens.length > 2) return tens.filter((_, i) => i % Math.ceil(tens.length / 6) === 0);
  const between = within(powers.flatMap((power) => [1, 2, 5].map((times) => Number(`${times}e${power}`))));
  return between.length > 1 ? between : ticks(low, high);
}

const plain = (value) => (value && !(Math.abs(value) >= 1e-4 && Math.abs(value) < 1e5) ? withPower(value) : String(value).replace("-", "−"));

// -> { element, show(values in words, names unless they stay) }
export function makeLegend(names, sign = swatch) {
  const values = names.map(() => make("span", { class: "vx-told-value" }));
  const called = names.map((name) => make("span", {}, name));
  return {
    element: make("ul", { class: "vx-legend" }, ...names.map((_, i) => make("li", {}, sign(i), called[i], values[i]))),
    show(words, renamed = names) {
      values.forEach((value, i) => (value.textContent = words[i]));
      called.forEach((name, i) => (name.textContent = renamed[i]));
    },
  };
}

const swatch = (i) => make("svg", { class: "vx-swatch", viewBox: "0 0 30 14", "aria-hidden": "true" },
  drawing("path", { class: `vx-line-${i}`, d: "M1 7H29" }), drawing("path", { class: `vx-point vx-point-${i}`, d: POINTS[i], transform: "translate(15 7)" }));

// A number for people: fixed digits where they say something, a power of ten where they would not.
export function told(value, digits = 3) {
  const size = Math.abs(value);
  if (value === 0 || (size >= 0.5 * 10 ** -digits && size < 1e6)) return value.toFixed(digits).replace("-", "−");
  return size < 1e-99 ? "0" : withPower(value, 1);
}

// digits: as many as it has, unless said.
function withPower(value, digits) {
  const [factor, power] = value.toExponential(digits).split("e");
  const raised = [...power.replace("+", "")].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");
  return `${factor === "1" ? "" : `${factor.replace("-", "−")}·`}10${raised}`;
}
