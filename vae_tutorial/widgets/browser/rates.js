// The plane of rate and distortion: one dot per model of a ladder, the present one marked.

import { ticks } from "./chart.js";
import { drawing, make } from "./page.js";

const PAPER = { width: 280, height: 232, left: 42, right: 274, top: 10, bottom: 190 };

// stops: { rate, distortion, value }. choose(i) is called for a dot that is clicked. -> { element, draw(stops), show(i) }
export function makeRates(name, choose) {
  const axes = drawing("g");
  const ladder = drawing("path", { class: "vx-ladder" });
  const level = drawing("path", { class: "vx-guide" });
  const dots = drawing("g");
  const svg = make("svg", { viewBox: `0 0 ${PAPER.width} ${PAPER.height}`, role: "img" }, axes, level, ladder, dots);
  const note = make("p", { class: "vx-note" }, "Dashed: where rate + distortion is the same as here.");
  let all = [];
  let spots = [];
  let ranges = null;

  function draw(stops) {
    all = stops;
    ranges = { rate: roomAround(stops.map(({ rate }) => rate), 0), distortion: roomAround(stops.map(({ distortion }) => distortion)) };
    axes.replaceChildren(...gridOf(ranges));
    ladder.setAttribute("d", `M${stops.map((stop) => placeOf(stop, ranges).join(" ")).join("L")}`);
    spots = stops.map((stop, i) => makeDot(placeOf(stop, ranges), String(stop.value), () => choose(i)));
    dots.replaceChildren(...spots);
  }

  function show(i) {
    spots.forEach((dot, j) => dot.classList.toggle("vx-present", i === j));
    dots.append(spots[i]); // in front of the others
    const { value, rate, distortion } = all[i];
    level.setAttribute("d", sameBound(rate + distortion, ranges));
    svg.setAttribute("aria-label", `Rate and distortion of ${all.length} models; marked: ${name} = ${value}, rate ${rate.toFixed(1)}, distortion ${distortion.toFixed(1)} nats`);
  }

  return { element: make("div", { class: "vx-rates" }, svg, note), draw, show };
}

// [low, high] with room on both sides, from `least` on where it is given.
function roomAround(values, least) {
  const [low, high] = [Math.min(...values, least ?? Infinity), Math.max(...values)];
  const room = 0.12 * Math.max(high - low, 20);
  return [least ?? low - room, high + room];
}

function placeOf({ rate, distortion }, ranges) {
  const part = (value, [low, high]) => (value - low) / (high - low);
  return [
    PAPER.left + (PAPER.right - PAPER.left) * part(rate, ranges.rate),
    PAPER.bottom - (PAPER.bottom - PAPER.top) * part(distortion, ranges.distortion),
  ].map((pixels) => Number(pixels.toFixed(1)));
}

function gridOf(ranges) {
  const [left, low] = [ranges.rate[0], ranges.distortion[0]];
  const text = (words, x, y, anchor, kind = "vx-tick") => drawing("text", { class: kind, x, y, "text-anchor": anchor }, words);
  const across = ticks(...ranges.rate).map((rate) => [rate, placeOf({ rate, distortion: low }, ranges)]);
  const up = ticks(...ranges.distortion).map((distortion) => [distortion, placeOf({ rate: left, distortion }, ranges)]);
  const middle = (PAPER.top + PAPER.bottom) / 2;
  return [
    drawing("path", { class: "vx-grid", d: up.map(([, [x, y]]) => `M${x} ${y}H${PAPER.right}`).join("") }),
    ...across.map(([value, [x, y]]) => text(String(value), x, y + 15, "middle")),
    ...up.map(([value, [x, y]]) => text(String(value), x - 5, y + 4, "end")),
    text("rate: KL, nats", (PAPER.left + PAPER.right) / 2, PAPER.height - 6, "middle", "vx-axis-name"),
    drawing("text", { class: "vx-axis-name", transform: `translate(9 ${middle}) rotate(-90)`, "text-anchor": "middle" }, "distortion, nats"),
  ];
}

// The line rate + distortion = bound, as far as it runs over the paper.
function sameBound(bound, { rate, distortion }) {
  const ends = [Math.max(rate[0], bound - distortion[1]), Math.min(rate[1], bound - distortion[0])];
  return `M${ends.map((at) => placeOf({ rate: at, distortion: bound - at }, { rate, distortion }).join(" ")).join("L")}`;
}

function makeDot([x, y], words, press) {
  const dot = drawing("g", { class: "vx-dot", transform: `translate(${x} ${y})` },
    drawing("circle", { class: "vx-reach", r: 14 }), drawing("circle", { class: "vx-spot", r: 5 }), drawing("text", { x: 9, y: -7 }, words));
  dot.addEventListener("click", press);
  return dot;
}
