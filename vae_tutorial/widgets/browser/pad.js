// A map of two latents to drag over: codes of real images by class, the prior's circles, the present code.

import { clamp, hundredths, make } from "./page.js";
import { keyed } from "./sliders.js";

const SIZE = 300;
const NAME = 9; // radius of a class's name tag
// Petroff's ten (2021), chosen by survey and by simulated colour blindness; readable on white and on black.
const COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"];

// change(z0, z1) is called for every move. -> { element, show(z), scatter(codes) }
export function makePad(span, change) {
  const x = (value) => (SIZE / 2) * (1 + value / span);
  const y = (value) => (SIZE / 2) * (1 - value / span);
  const shape = (tag, properties, ...children) => make(tag, { svg: true, ...properties }, ...children);
  const ring = (sigmas) => shape("circle", { class: "vx-sigma", cx: x(0), cy: y(0), r: x(sigmas) - x(0) });
  const ringName = (sigmas) =>
    shape("text", { class: "vx-axis", x: x(0.72 * sigmas) + 3, y: y(-0.72 * sigmas) + 12 }, `${sigmas}σ`);
  const points = shape("g", { class: "vx-points" });
  const hand = shape("circle", { class: "vx-hand", r: 8 });
  const drawing = make("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" },
    shape("path", { class: "vx-axes", d: `M0 ${y(0)}H${SIZE}M${x(0)} 0V${SIZE}` }),
    ring(1), ring(2), points, ringName(1), ringName(2),
    shape("text", { class: "vx-axis", x: SIZE - 8, y: y(0) + 16, "text-anchor": "end" }, "z[0]"),
    shape("text", { class: "vx-axis", x: x(0) + 6, y: 16 }, "z[1]"),
    hand);
  const area = make("div", {
    class: "vx-pad", role: "application", tabindex: 0,
    "aria-label": "Map of z[0] and z[1]. Arrow keys move the code; the sliders do the same.",
  }, drawing);
  const note = make("p", { class: "vx-note" });

  function point({ clientX, clientY }) {
    const box = area.getBoundingClientRect();
    const place = (fraction) => clamp(hundredths((2 * fraction - 1) * span), span);
    change(place((clientX - box.left) / box.width), place(1 - (clientY - box.top) / box.height));
  }
  area.addEventListener("pointerdown", (event) => {
    if (event.button === 0) area.setPointerCapture(event.pointerId), point(event);
  });
  area.addEventListener("pointermove", (event) => area.hasPointerCapture(event.pointerId) && point(event));
  area.addEventListener("dblclick", () => change(0, 0));

  let now = [0, 0];
  area.addEventListener("keydown", (event) => {
    const upright = ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key);
    const centre = ["Home", "Delete", "Backspace"].includes(event.key);
    const value = keyed(event, now[upright ? 1 : 0], span);
    if (value === undefined || event.key === "End") return;
    event.preventDefault();
    change(...(centre ? [0, 0] : upright ? [now[0], value] : [value, now[1]]));
  });

  return {
    element: make("div", { class: "vx-map" }, area, note),
    show(z) {
      now = z;
      hand.setAttribute("cx", x(z[0]));
      hand.setAttribute("cy", y(z[1]));
    },
    scatter(codes) {
      const { inside, all } = readCodes(codes, span);
      const dots = inside.map(([a, b, label]) =>
        shape("circle", { cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 2, fill: COLOURS[label] ?? "currentColor" }));
      const names = apart(centres(inside).map(([a, b, label]) => [x(a), y(b), label])).map(([cx, cy, label]) =>
        shape("g", { class: "vx-class" },
          shape("circle", { cx, cy, r: NAME, stroke: COLOURS[label] }), shape("text", { x: cx, y: cy }, label)));
      points.replaceChildren(...dots, ...names);
      const lost = all - inside.length;
      note.textContent = all ? `${all} images, each at its posterior mean.` + (lost ? ` ${lost} of them outside the map.` : "") : "";
    },
  };
}

// -> the codes on the map as [z0, z1, label], and how many there are in all. Labels may be missing.
function readCodes(codes, span) {
  if (!codes) return { inside: [], all: 0 };
  const all = Math.floor(codes.z.byteLength / 8);
  const numbers = new DataView(codes.z.buffer, codes.z.byteOffset, codes.z.byteLength);
  const labels = new Uint8Array(codes.y.buffer, codes.y.byteOffset, codes.y.byteLength);
  const read = Array.from({ length: all }, (_, i) =>
    [numbers.getFloat32(8 * i, true), numbers.getFloat32(8 * i + 4, true), labels[i]]);
  return { inside: read.filter(([a, b]) => Math.abs(a) <= span && Math.abs(b) <= span), all };
}

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
