// A map of two latents to drag over: codes of real images by class, the prior's circles, the present code.

import { clamp, drawing, hundredths, make, makeMenu } from "./page.js";
import { readNumbers } from "./network.js";
import { inSteps } from "./prior.js";
import { keyed } from "./sliders.js";

const NAME = 9; // radius of a class's name tag
// Petroff's ten (2021), chosen by survey and by simulated colour blindness; readable on white and on black.
export const COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"];

// change({ latent: value, ... }) is called for every move over the map; `size` is its width in the drawing's pixels,
// `behind` an element to lie under everything. -> { element, area, show(z), scatter(codes, order), rescale(scale) }
export function makePad(zDim, span, change, { size = 300, behind = "" } = {}) {
  let scale = inSteps(span);
  const x = (value) => size * scale.place(value);
  const y = (value) => size * (1 - scale.place(value));
  let axes = [0, 1];
  let now = new Array(zDim).fill(0);
  let codes = null;
  let chosen = false; // by a hand
  const names = [
    drawing("text", { class: "vx-axis", x: size - 8, y: y(0) + 16, "text-anchor": "end" }),
    drawing("text", { class: "vx-axis", x: x(0) + 6, y: 16 }),
  ];
  const prior = drawing("g");
  const points = drawing("g", { class: "vx-points" });
  const hand = drawing("circle", { class: "vx-hand", r: 8 });
  const area = make("div", { class: "vx-pad", role: "application", tabindex: 0 }, behind,
    make("svg", { viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" },
      drawing("path", { class: "vx-axes", d: `M0 ${y(0)}H${size}M${x(0)} 0V${size}` }), prior, points, ...names, hand));
  const note = make("p", { class: "vx-note" });
  const menus = zDim === 2 ? [] : ["Across", "Up"].map((name, axis) => axisMenu(name, axis));
  const put = (a, b) => change({ [axes[0]]: a, [axes[1]]: b });

  function axisMenu(name, axis) {
    const choices = Array.from({ length: zDim }, (_, latent) => [latent, `z[${latent}]`]);
    return makeMenu(name, choices, (latent) => {
      const other = axes[1 - axis];
      chosen = true;
      axes = axis === 0 ? [Number(latent), other] : [other, Number(latent)];
      if (axes[0] === axes[1]) axes[1 - axis] = (axes[axis] + 1) % zDim;
      redraw();
    });
  }

  function redraw() {
    menus.forEach(({ input }, axis) => (input.value = axes[axis]));
    names.forEach((name, axis) => (name.textContent = `z[${axes[axis]}]`));
    area.setAttribute("aria-label", `Map of z[${axes[0]}] and z[${axes[1]}]. Arrow keys move the code; the sliders do the same.`);
    prior.replaceChildren(...rings(x, y));
    const { inside, all } = placed(codes, axes, scale);
    points.replaceChildren(...dots(inside, x, y), ...tags(inside, x, y));
    const lost = all - inside.length;
    note.textContent = all ? `${all} images, each at its posterior mean.` + (lost ? ` ${lost} of them outside the map.` : "") : "";
    showHand();
  }

  function showHand() {
    const within = (at) => Math.min(size, Math.max(0, at));
    hand.setAttribute("cx", within(x(now[axes[0]])));
    hand.setAttribute("cy", within(y(now[axes[1]])));
  }

  function point({ clientX, clientY }) {
    const box = area.getBoundingClientRect();
    const value = (fraction) => clamp(hundredths(scale.value(Math.min(1, Math.max(0, fraction)))), span);
    put(value((clientX - box.left) / box.width), value(1 - (clientY - box.top) / box.height));
  }
  area.addEventListener("pointerdown", (event) => {
    if (event.button === 0) area.setPointerCapture(event.pointerId), point(event);
  });
  area.addEventListener("pointermove", (event) => area.hasPointerCapture(event.pointerId) && point(event));
  area.addEventListener("dblclick", () => put(0, 0));
  area.addEventListener("keydown", (event) => {
    const upright = ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key);
    const centre = ["Home", "Delete", "Backspace"].includes(event.key);
    const [a, b] = axes.map((latent) => now[latent]);
    const value = keyed(event, upright ? b : a, { min: -span, max: span });
    if (value === undefined || event.key === "End") return;
    event.preventDefault();
    if (centre) put(0, 0);
    else put(upright ? a : value, upright ? value : b);
  });

  return {
    element: make("div", { class: "vx-map" }, ...menus.map(({ element }) => element), area, note),
    area,
    show: (z) => ((now = z), showHand()),
    // The axes are the first two of `order`, the most informative latents, until somebody chooses others.
    scatter(payload, order) {
      codes = payload && readCodes(payload, zDim);
      if (zDim > 2 && order && !chosen) axes = order.slice(0, 2);
      redraw();
    },
    rescale(wanted) {
      scale = wanted;
      redraw();
    },
  };
}

// The prior's circles: along them its density is the same. On another scale than equal steps they are no circles.
function rings(x, y) {
  const angles = Array.from({ length: 72 }, (_, i) => (i * Math.PI) / 36);
  const at = (sigmas, angle) => `${x(sigmas * Math.cos(angle)).toFixed(1)} ${y(sigmas * Math.sin(angle)).toFixed(1)}`;
  const ring = (sigmas) => drawing("path", { class: "vx-sigma", d: `M${angles.map((angle) => at(sigmas, angle)).join("L")}Z` });
  const name = (sigmas) => drawing("text", { class: "vx-axis", x: x(0.72 * sigmas) + 3, y: y(-0.72 * sigmas) + 12 }, `${sigmas}σ`);
  return [ring(1), ring(2), name(1), name(2)];
}

// -> { numbers: n * zDim, labels: n bytes, or none }
function readCodes({ z, y }, zDim) {
  const numbers = readNumbers(z, "float16");
  return { numbers, zDim, labels: new Uint8Array(y.buffer, y.byteOffset, y.byteLength) };
}

// -> the codes on the map as [across, up, label], and how many there are in all. Labels may be missing.
function placed(codes, axes, scale) {
  if (!codes) return { inside: [], all: 0 };
  const { numbers, zDim, labels } = codes;
  const all = Math.floor(numbers.length / zDim);
  const read = Array.from({ length: all }, (_, i) => [numbers[i * zDim + axes[0]], numbers[i * zDim + axes[1]], labels[i]]);
  const visible = (value) => scale.place(value) >= 0 && scale.place(value) <= 1;
  return { inside: read.filter(([a, b]) => visible(a) && visible(b)), all };
}

const dots = (codes, x, y) => codes.map(([a, b, label]) =>
  drawing("circle", { cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 2, fill: COLOURS[label] ?? "currentColor" }));

const tags = (codes, x, y) => apart(centres(codes).map(([a, b, label]) => [x(a), y(b), label])).map(([cx, cy, label]) =>
  drawing("g", { class: "vx-class" },
    drawing("circle", { cx, cy, r: NAME, stroke: COLOURS[label] }), drawing("text", { x: cx, y: cy }, label)));

// Where each class is written: at the code in its midst, so that colour is never the only sign.
function centres(codes) {
  const labels = [...new Set(codes.map(([, , label]) => label))].filter((label) => label !== undefined);
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return labels.map((label) => {
    const mine = codes.filter((code) => code[2] === label);
    return [median(mine.map(([a]) => a)), median(mine.map(([, b]) => b)), label];
  });
}

// Tags that would cover each other move away from each other; a few rounds are enough for ten.
function apart(tags) {
  for (let round = 0; round < 30; round++) {
    for (const [i, a] of tags.entries()) {
      for (const b of tags.slice(i + 1)) {
        const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        const distance = Math.hypot(dx, dy) || 1;
        const push = Math.max(0, 2 * NAME + 3 - distance) / 2 / distance;
        a[0] -= push * dx, a[1] -= push * dy, b[0] += push * dx, b[1] += push * dy;
      }
    }
  }
  return tags;
}
