// A map of two latents to drag over: codes of real images by class, the prior's circles, the present code.

import { clamp, drawing, hundredths, make, makeButton, makeMenu, signed } from "./page.js";
import { readNumbers } from "./network.js";
import { inSteps } from "./prior.js";
import { keyed } from "./sliders.js";

const RING = "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0 -16 0"; // open, to be seen through
const ARROW_OUT = "M9 0L-6 -8L-2 0L-6 8Z";
const EDGE = 12; // how far from the edge an arrow waits
// Petroff's ten (2021), chosen by survey and by simulated colour blindness; readable on white and on black.
export const COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"];

// change({ latent: value, ... }) is called for every move over the map; `size` is its width in the drawing's pixels,
// `behind` an element to lie under everything.
// -> { element, area, show(z), outside(), scatter(codes, order), rescale(scale) }
export function makePad(zDim, span, change, { size = 300, behind = "" } = {}) {
  let scale = inSteps(span);
  const x = (value) => size * scale.place(value);
  const y = (value) => size * (1 - scale.place(value));
  let axes = [0, 1];
  let now = new Array(zDim).fill(0);
  let codes = null;
  let chosen = false; // by a hand
  let pinned = null; // the class that is marked until further notice
  const tag = size > 400 ? 14 : 9; // radius of a class's name tag
  const names = [
    drawing("text", { class: "vx-axis", x: size - 8, y: y(0) + 16, "text-anchor": "end" }),
    drawing("text", { class: "vx-axis", x: x(0) + 6, y: 16 }),
  ];
  const rings = drawing("g");
  const sigmas = drawing("g");
  const points = drawing("g", { class: "vx-points" });
  const hand = drawing("g", { class: "vx-hand" }, drawing("path", { class: "vx-hand-edge" }), drawing("path"));
  const key = makeKey(mark, (label) => mark((pinned = pinned === label ? null : label)), () => pinned);
  const area = make("div", { class: "vx-pad", role: "application", tabindex: 0 }, behind,
    make("svg", { viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" },
      drawing("path", { class: "vx-axes", d: `M0 ${y(0)}H${size}M${x(0)} 0V${size}` }), rings, points,
      drawing("g", { class: "vx-axis-names" }, ...numbersAt(span, x, y, size), ...names), sigmas, hand));
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
    rings.replaceChildren(ringAt(1, x, y), ringAt(2, x, y));
    sigmas.replaceChildren(sigmaAt(1, x, y), sigmaAt(2, x, y));
    const { inside, all } = placed(codes, axes, scale);
    points.replaceChildren(...dots(inside, x, y), ...tags(inside, x, y, tag));
    key.show([...new Set(codes?.labels ?? [])].sort((a, b) => a - b));
    mark(pinned);
    const lost = all - inside.length;
    note.textContent = all ? `${all} images, each at its posterior mean.` + (lost ? ` ${lost} of them outside the map.` : "") : "";
    showHand();
  }

  // A code outside the map is pointed at from its edge.
  function showHand() {
    const [cx, cy] = [x(now[axes[0]]), y(now[axes[1]])];
    const [px, py] = [cx, cy].map((at) => (outside() ? Math.min(size - EDGE, Math.max(EDGE, at)) : at));
    const turn = outside() ? (Math.atan2(cy - py, cx - px) * 180) / Math.PI : 0;
    hand.setAttribute("transform", `translate(${px.toFixed(1)} ${py.toFixed(1)}) rotate(${turn.toFixed(0)})`);
    hand.classList.toggle("vx-outside", outside());
    for (const path of hand.children) path.setAttribute("d", outside() ? ARROW_OUT : RING);
  }
  const outside = () => axes.some((latent) => !visible(scale, now[latent]));

  // The dots of one class stand out from all others; null: none does.
  function mark(label) {
    for (const dot of points.children) dot.classList.toggle("vx-faint", label !== null && dot.dataset.label !== String(label));
  }
  points.addEventListener("pointerover", ({ target }) => mark(target.closest(".vx-class")?.dataset.label ?? pinned));
  points.addEventListener("pointerleave", () => mark(pinned));

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
    element: make("div", { class: "vx-map" }, ...menus.map(({ element }) => element), area, key.element, note),
    area,
    show: (z) => ((now = z), showHand()),
    outside,
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
function ringAt(sigmas, x, y) {
  const angles = Array.from({ length: 72 }, (_, i) => (i * Math.PI) / 36);
  const at = (angle) => `${x(sigmas * Math.cos(angle)).toFixed(1)} ${y(sigmas * Math.sin(angle)).toFixed(1)}`;
  return drawing("path", { class: "vx-sigma", d: `M${angles.map(at).join("L")}Z` });
}

const sigmaAt = (sigmas, x, y) =>
  drawing("text", { class: "vx-axis", x: x(0.72 * sigmas) + 3, y: y(-0.72 * sigmas) + 12 }, `${sigmas}σ`);

// Three numbers along the lower and the left edge: 0, and a round one to both sides of it.
function numbersAt(span, x, y, size) {
  const power = 10 ** Math.floor(Math.log10(0.8 * span));
  const far = power * [5, 2, 1].find((times) => times * power <= 0.8 * span);
  const text = (value, properties) => drawing("text", { class: "vx-axis", ...properties }, signed(value, Math.max(0, -Math.floor(Math.log10(far)))));
  return [-far, 0, far].flatMap((value) => [
    text(value, { x: x(value), y: size - 5, "text-anchor": "middle" }),
    text(value, { x: 4, y: y(value) + 4 }),
  ]);
}

// Buttons for the classes of the dots: a class stands out while its button has the pointer or the keys, and stays so once
// it is pressed. -> { element, show(labels) }
function makeKey(mark, press, pinned) {
  const list = make("div", { class: "vx-key-of" });
  const element = make("div", { class: "vx-key", role: "group", "aria-label": "Dots of class" }, make("span", { class: "vx-panel-name" }, "Dots of class"), list);
  const told = () => [...list.children].forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === String(pinned()))));
  let shown = null;
  function makeOne(label) {
    const button = makeButton(String(label), () => (press(label), told()),
      { "aria-label": `Mark class ${label}`, "aria-pressed": "false", style: `--vx-of: ${COLOURS[label] ?? "currentColor"}` });
    for (const start of ["pointerenter", "focus"]) button.addEventListener(start, () => mark(label));
    for (const end of ["pointerleave", "blur"]) button.addEventListener(end, () => mark(pinned()));
    return button;
  }
  return {
    element,
    show(labels) {
      element.hidden = labels.length === 0;
      if (shown === labels.join()) return; // a button keeps the keys while weights come and go
      shown = labels.join();
      list.replaceChildren(...labels.map(makeOne));
      told();
    },
  };
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
  return { inside: read.filter(([a, b]) => visible(scale, a) && visible(scale, b)), all };
}

const visible = (scale, value) => scale.place(value) >= 0 && scale.place(value) <= 1;

const dots = (codes, x, y) => codes.map(([a, b, label]) =>
  drawing("circle", { cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 2, fill: COLOURS[label] ?? "currentColor", "data-label": label }));

const tags = (codes, x, y, r) => apart(centres(codes).map(([a, b, label]) => [x(a), y(b), label]), r).map(([cx, cy, label]) =>
  drawing("g", { class: "vx-class", "data-label": label },
    drawing("circle", { cx, cy, r, stroke: COLOURS[label] }), drawing("text", { x: cx, y: cy }, label)));

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
function apart(tags, r) {
  for (let round = 0; round < 30; round++) {
    for (const [i, a] of tags.entries()) {
      for (const b of tags.slice(i + 1)) {
        const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        const distance = Math.hypot(dx, dy) || 1;
        const push = Math.max(0, 2 * r + 3 - distance) / 2 / distance;
        a[0] -= push * dx, a[1] -= push * dy, b[0] += push * dx, b[1] += push * dy;
      }
    }
  }
  return tags;
}
