// One native range input per latent, most informative first: label, KL, slider, value.

import { clamp, hundredths, make, percent, signed } from "./page.js";

const FIRST = 8; // more sliders at once make people worse at the task, not better
const UNUSED = 0.01; // nats

// change(latent, value) is called for every move.
// -> { element, show(z), arrange(order, kl), mark(posterior), choose(latent) }
export function makeSliders(count, span, id, change) {
  const rows = Array.from({ length: count }, (_, latent) => makeRow(latent, span, id, change));
  const list = make("div", { class: "vx-rows", role: "group", "aria-label": "Latents" });
  const more = make("button", { type: "button", class: "vx-more", "aria-expanded": "false" });
  const element = make("div", { class: "vx-sliders" }, makeScale(span), list, more);
  let order = [];
  let waiting = null;
  let chosen = null;

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
    choose(latent) {
      if (latent === chosen) return;
      rows[chosen]?.element.classList.remove("vx-chosen");
      rows[latent].element.classList.add("vx-chosen");
      chosen = latent;
    },
    mark: (posterior) => rows.forEach((row, i) => row.mark(posterior?.mu[i], posterior?.sigma[i])),
    arrange(wanted, kl) {
      const most = kl && Math.max(UNUSED, ...kl);
      rows.forEach((row, latent) => row.rate(kl && kl[latent], most));
      if (list.contains(document.activeElement)) waiting = wanted;
      else (order = wanted), place();
    },
  };
}

function makeRow(latent, span, id, change) {
  const rating = make("span", { class: "vx-kl", id: `${id}-kl${latent}` });
  const slider = makeSlider({ id: `${id}-z${latent}`, span, name: `z[${latent}]`, describedBy: rating.id }, (value) => change(latent, value));
  const posterior = make("span", { class: "vx-posterior", hidden: true });
  const track = make("div", { class: "vx-track" }, posterior, slider.input);
  const element = make("div", { class: "vx-row" }, slider.label, rating, track, slider.output);
  return {
    element,
    show: slider.show,
    mark(mu, sigma) {
      posterior.hidden = mu === undefined;
      posterior.style.left = percent(clamp(mu ?? 0, span), span);
      posterior.style.setProperty("--sigma", `${(50 * (sigma ?? 0)) / span}cqw`);
    },
    rate(kl, most) {
      const unused = kl !== null && kl < UNUSED;
      element.classList.toggle("vx-unused", unused);
      rating.style.setProperty("--part", kl === null ? 0 : kl / most);
      rating.textContent = kl === null ? "" : unused ? "unused" : `${kl.toFixed(2)} nats`;
    },
  };
}

// A range input with its label and its value, from -span to span unless `range` { min, max, step, home } says otherwise;
// words(value) is what is told of it. -> { label, input, output, show(value) }
export function makeSlider({ id, span, range = {}, name, describedBy, words = signed }, change) {
  const { min, max, step, home } = { min: -span, max: span, step: 0.01, home: 0, ...range };
  const input = make("input", { type: "range", id, min, max, step, "aria-describedby": describedBy });
  const output = make("output", { for: id, class: "vx-value" });
  let shown;
  input.addEventListener("input", () => change(Number(input.value)));
  input.addEventListener("dblclick", () => change(home));
  input.addEventListener("keydown", (event) => {
    const value = keyed(event, Number(input.value), { min, max, step, home });
    if (value === undefined) return;
    event.preventDefault();
    change(value);
  });
  return {
    label: make("label", { for: id }, name),
    input,
    output,
    show(value) {
      if (value === shown) return; // with many latents, what did not move costs more than what did
      shown = value;
      input.value = value;
      output.value = words(value);
      input.setAttribute("aria-valuetext", output.value);
    },
  };
}

// What a key makes of a value, or undefined for keys that are not ours.
export function keyed({ key, shiftKey }, value, { min, max, step = 0.01, home = 0 }) {
  const arrow = (shiftKey ? 1 : 10) * step;
  const page = 50 * step;
  const steps = { ArrowRight: arrow, ArrowUp: arrow, ArrowLeft: -arrow, ArrowDown: -arrow, PageUp: page, PageDown: -page };
  const places = { Home: min, End: max, Delete: home, Backspace: home };
  if (Object.hasOwn(steps, key)) return Math.min(max, Math.max(min, hundredths(value + steps[key])));
  return Object.hasOwn(places, key) ? places[key] : undefined;
}

// The numbers above the sliders, and how the prior N(0, 1) shades them.
function makeScale(span) {
  const step = Math.max(1, Math.round(span / 3));
  const ticks = [];
  for (let at = -Math.floor(span / step) * step; at <= span; at += step) ticks.push(at);
  const marks = ticks.map((at) => make("span", { style: `left: ${percent(at, span)}` }, String(at).replace("-", "−")));
  return make("div", { class: "vx-row vx-scale", "aria-hidden": "true" }, make("span"), make("span", {}, "KL"),
    make("div", { class: "vx-track" }, ...marks), make("span"));
}
