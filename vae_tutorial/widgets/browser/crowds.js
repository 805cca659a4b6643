// Two crowds of points in the plane, and for each point of the second an arrow.

import { makeLegend } from "./chart.js";
import { drawing, make } from "./page.js";

const WIDTH_OF_PLANE = 620;
const HEIGHT_OF_PLANE = 290;
const [LEFTMOST, RIGHTMOST] = [-4, 11];
const UNIT = WIDTH_OF_PLANE / (RIGHTMOST - LEFTMOST);
const HEAD = 4; // pixels

const planeX = (x) => (x - LEFTMOST) * UNIT;
const planeY = (y) => HEIGHT_OF_PLANE / 2 - y * UNIT;

// -> { element, draw(prior, codes, arrows) }: points x, y, x, y, ..., arrows in the units of the plane
export function makeCrowds(name) {
  const parts = { prior: "vx-crosses", arrows: "vx-arrows", codes: "vx-dots" };
  const paths = Object.fromEntries(Object.entries(parts).map(([part, kind]) => [part, drawing("path", { class: kind })]));
  const axes = drawing("path", { class: "vx-grid", d: `M0 ${planeY(0)}H${WIDTH_OF_PLANE}M${planeX(0)} 0V${HEIGHT_OF_PLANE}` });
  const rings = [1, 2].map((sigmas) => drawing("circle", { class: "vx-sigma", cx: planeX(0), cy: planeY(0), r: sigmas * UNIT }));
  const numbers = [-2, 0, 2, 4, 6, 8, 10].map((at) =>
    drawing("text", { class: "vx-tick", x: planeX(at), y: HEIGHT_OF_PLANE + 14, "text-anchor": "middle" }, String(at).replace("-", "−")));
  const svg = make("svg", { viewBox: `0 0 ${WIDTH_OF_PLANE} ${HEIGHT_OF_PLANE + 20}`, role: "img", "aria-label": name },
    axes, ...rings, ...numbers, paths.prior, paths.arrows, paths.codes);
  const legend = makeLegend(["draws of the prior N(0, I)", "codes", "where MMD² pushes them"], sign);
  return {
    element: make("figure", { class: "vx-chart vx-crowds" }, make("figcaption", {}, name), svg, legend.element),
    draw(prior, codes, arrows) {
      paths.prior.setAttribute("d", each(prior, cross));
      paths.codes.setAttribute("d", each(codes, dot));
      paths.arrows.setAttribute("d", each(codes, (x, y, i) => arrow(x, y, arrows[i] * UNIT, -arrows[i + 1] * UNIT)));
    },
  };
}

function each(points, draw) {
  let path = "";
  for (let i = 0; i < points.length; i += 2) path += draw(planeX(points[i]), planeY(points[i + 1]), i);
  return path;
}

const at = (x, y) => `${x.toFixed(1)} ${y.toFixed(1)}`;
const cross = (x, y) => `M${at(x - 3, y - 3)}l6 6m0 -6l-6 6`;
const dot = (x, y) => `M${at(x, y)}h0`; // a line of no length: its round ends make a dot

// No longer than 2 units, and none where it would be shorter than a dot.
function arrow(x, y, dx, dy) {
  const length = Math.hypot(dx, dy);
  if (length < 1) return "";
  const part = Math.min(1, (2 * UNIT) / length);
  const [ux, uy] = [(HEAD * dx) / length, (HEAD * dy) / length];
  const [back, forth] = [at(-ux - 0.6 * uy, -uy + 0.6 * ux), at(ux + 0.6 * uy, uy - 0.6 * ux)];
  return `M${at(x, y)}l${at(part * dx, part * dy)}m${back}l${forth}l${at(-ux + 0.6 * uy, -uy - 0.6 * ux)}`;
}

const sign = (i) => make("svg", { class: "vx-swatch", viewBox: "0 0 30 14", "aria-hidden": "true" },
  [drawing("path", { class: "vx-crosses", d: cross(15, 7) }), drawing("path", { class: "vx-dots", d: dot(15, 7) }),
    drawing("path", { class: "vx-arrows", d: arrow(25, 7, -20, 0) })][i]);
