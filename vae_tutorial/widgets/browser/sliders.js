// One native range input per latent, most informative first: label, KL, slider, value.

import { clamp, hundredths, make, percent, signed } from "./page.js";

const FIRST = 8; // more sliders at once make people worse at the task, not better
const UNUSED = 0.01; // nats

// change(latent, value) is called for every move. -> { element, show(z), arrange(order, kl) }
export function makeSliders(count, span, id, change) {
  const rows = Array.from({ length: count }, (_, latent) => makeRow(latent, span, id, change));
  const list = make("div", { class: "vx-rows", role: "group", "aria-label": "Latents" });
  const more = make("button", { type: "button", class: "vx-more", "aria-expanded": "false" });
  const element = make("div", { class: "vx-sliders" }, makeScale(span), list, more);
  let order = [];
  let waiting = null;

  function place() {
    const open = more.getAttribute("aria-expanded") === "true";
    list.replaceChildren(...order.map((latent) => rows[latent].element));
    order.forEach((latent, rank) => (rows[latent].element.hidden = !open && rank >= FIRST));
    more.textContent = open ? `Show the first ${FIRST}` : `Show all ${count} latents`;
    more.hidden = count <= FIRST;
  }

  more.addEventListener("click", () => {
    more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") !== "true"));
    place();
  });

  // Rows never change places under a hand: moving an element would end its drag and take its focus.
  list.addEventListener("focusout", (event) => {
    if (waiting && !list.contains(event.relatedTarget)) (order = waiting), (waiting = null), place();
  });

  return {
    element,
    show: (z) => rows.forEach((row, latent) => row.show(z[latent])),
    arrange(wanted, kl) {
      const most = kl && Math.max(UNUSED, ...kl);
      rows.forEach((row, latent) => row.rate(kl && kl[latent], most));
      if (list.contains(document.activeElement)) waiting = wanted;
      else (order = wanted), place();
    },
  };
}

function makeRow(latent, span, id, change) {
  const name = `z[${latent}]`;
  const rating = make("span", { class: "vx-kl", id: `${id}-kl${latent}` });
  const input = make("input", {
    type: "range", id: `${id}-z${latent}`, min: -span, max: span, step: 0.01, "aria-describedby": rating.id,
  });
  const output = make("output", { for: input.id, class: "vx-value" });
  const track = make("div", { class: "vx-track" }, input);
  const element = make("div", { class: "vx-row" }, make("label", { for: input.id }, name), rating, track, output);
  input.addEventListener("input", () => change(latent, Number(input.value)));
  input.addEventListener("dblclick", () => change(latent, 0));
  input.addEventListener("keydown", (event) => {
    const value = keyed(event, Number(input.value), span);
    if (value === undefined) return;
    event.preventDefault();
    change(latent, value);
  });
  return {
    element,
    show(value) {
      input.value = value;
      output.value = signed(value);
    },
    rate(kl, most) {
      const unused = kl !== null && kl < UNUSED;
      element.classList.toggle("vx-unused", unused);
      rating.style.setProperty("--part", kl === null ? 0 : kl / most);
      rating.textContent = kl === null ? "" : unused ? "unused" : `${kl.toFixed(2)} nats`;
    },
  };
}

// What a key makes of a value, or undefined for keys that are not ours.
export function keyed({ key, shiftKey }, value, span) {
  const arrow = shiftKey ? 0.01 : 0.1;
  const steps = { ArrowRight: arrow, ArrowUp: arrow, ArrowLeft: -arrow, ArrowDown: -arrow, PageUp: 0.5, PageDown: -0.5 };
  const places = { Home: -span, End: span, Delete: 0, Backspace: 0 };
  if (Object.hasOwn(steps, key)) return clamp(hundredths(value + steps[key]), span);
  return Object.hasOwn(places, key) ? places[key] : undefined;
}

// The numbers above the sliders, and how the prior N(0, 1) shades them.
function makeScale(span) {
  const step = Math.max(1, Math.round(span / 3));
  const ticks = [];
  for (let at = -Math.floor(span / step) * step; at <= span; at += step) ticks.push(at);
  const marks = ticks.map((at) => make("span", { style: `left: ${percent(at, span)}` }, String(at).replace("-", "−")));
  return make("div", { class: "vx-row vx-scale", "aria-hidden": "true" }, make("span"), make("span"),
    make("div", { class: "vx-track" }, ...marks), make("span"));
}
