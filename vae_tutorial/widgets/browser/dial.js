// The dial: a ladder of models that differ in one weight, one stop for each, and what the weight has bought.

import { makeClasses } from "./classes.js";
import { readDecoder } from "./network.js";
import { atRest, make, oncePerFrame, signed } from "./page.js";
import { makePicture, readImages } from "./picture.js";
import { makeRates } from "./rates.js";
import { makeSource } from "./source.js";

const TRAVERSAL = [-3, -2, -1, 0, 1, 2, 3];
const TRAVERSED = 5; // latents

export function makeDial(scene, host) {
  const { name, images, eps } = scene;
  const values = scene.stops.map(({ value }) => value);
  const { imageShape } = readDecoder(scene.stops[0].decoder);
  const nClasses = Math.max(...scene.stops.map(({ decoder }) => decoder.n_classes));
  const pixels = readImages(images.x, imageShape);
  const ofImages = images.y;
  let stops = [];
  let at = Math.floor((values.length - 1) / 2);
  let label = nClasses ? 0 : null;
  let source = null;
  let decoding = null; // the decoder that the source is of

  const status = make("p", { class: "vx-status vx-unseen", role: "status" });
  const say = atRest((words) => (status.textContent = words));
  const knob = makeKnob(name, values, host.id, turn);
  const numbers = makeNumbers(["Rate (KL)", "Distortion (reconstruction)", "Sum (−ELBO)", "Active latents"]);
  const rates = makeRates(name, turn);
  const originals = makePictureRow(pixels.length, imageShape);
  const reconstructions = makePictureRow(pixels.length, imageShape);
  const traversals = makeTraversals(imageShape);
  const samples = makePictureRow(eps.length, imageShape);
  const classes = nClasses ? makeClasses(nClasses, (y) => ((label = y), refresh(`Class ${y}`)), "Class of the rows below") : null;
  const most = Math.min(TRAVERSED, Math.max(...scene.stops.map(({ decoder }) => decoder.z_dim)));
  const traversed = most === 1 ? "the latent" : `the ${most} latents`;
  const later = make("div", { class: "vx-later" },
    makePanel(`Traversals: ${traversed} with the highest KL at this stop; each model has its own`, ...traversals.elements),
    makePanel("Samples: the same codes from the prior at every stop", samples.element));

  // The reconstructions follow the hand; the other rows, which are many pictures, once it rests.
  const draw = oncePerFrame(() => {
    const { mu, order, kl, decoder } = stops[at];
    if (decoder !== decoding) {
      source?.stop();
      source = makeSource(decoder, host, say);
      decoding = decoder;
    }
    source.row(mu, nClasses ? ofImages : null, reconstructions.paint);
    const moved = traversals.codes(order, kl);
    const codes = [...moved, ...eps.map((one) => one.slice(0, kl.length))];
    later.setAttribute("aria-busy", "true");
    source.series(codes, label, (i, image) => {
      if (i === 0) traversals.name(order, kl);
      if (i < moved.length) traversals.paint(i, image);
      else samples.paint(i - moved.length, image);
      if (i === codes.length - 1) later.setAttribute("aria-busy", "false");
    });
    reconstructions.element.dataset.stop = at;
  });

  function turn(i) {
    at = i;
    refresh(knob.words(at));
  }
  function refresh(words) {
    const { rate, distortion, active, kl } = stops[at];
    knob.show(at);
    numbers.show([`${rate.toFixed(1)} nats`, `${distortion.toFixed(1)} nats`, `${(rate + distortion).toFixed(1)} nats`, `${active} of ${kl.length}`]);
    rates.show(at);
    classes?.show(label);
    draw();
    say(`${words}: rate ${rate.toFixed(1)} nats, distortion ${distortion.toFixed(1)} nats, ${active} of ${kl.length} latents active.`);
  }

  pixels.forEach((image, i) => originals.paint(i, image));
  const measured = `Means over ${scene.measured} images, with one sample of z for each.`;
  return {
    element: make("div", { class: "vx-stage vx-dial" }, knob.element,
      make("div", { class: "vx-dial-left" }, numbers.element, rates.element, make("p", { class: "vx-note" }, measured), status),
      make("div", { class: "vx-dial-right" }, makePanel("Images", originals.element),
        makePanel("Their reconstructions", reconstructions.element), classes?.element ?? "", later)),
    fits: (other) => ladderOf(other) === ladderOf(scene),
    show(latest) {
      stops = latest.stops.map((stop) => ({ ...stop, decoder: readDecoder(stop.decoder) }));
      rates.draw(stops);
      refresh(knob.words(at));
    },
    stop() {
      for (const part of [draw, say]) part.cancel();
      source?.stop();
    },
  };
}

const ladderOf = ({ name, sample, stops }) =>
  JSON.stringify([name, sample, stops?.map(({ value, decoder }) => [value, decoder?.z_dim, decoder?.n_classes, decoder?.image_shape])]);

// A slider with one stop for each of the values. -> { element, words(i), show(i) }
export function makeKnob(name, values, id, turn) {
  const last = values.length - 1;
  const words = (i) => `${name} = ${values[i]}`;
  const input = make("input", { type: "range", id: `${id}-dial`, min: 0, max: last, step: 1 });
  const output = make("output", { class: "vx-dial-value", for: input.id });
  const marks = values.map((value, i) => make("span", { style: `left: ${(100 * i) / last}%` }, String(value)));
  input.addEventListener("input", () => turn(Number(input.value)));
  return {
    element: make("div", { class: "vx-knob-row" }, make("label", { for: input.id }, name), output,
      make("div", { class: "vx-track" }, input, make("div", { class: "vx-stops", "aria-hidden": "true" }, ...marks))),
    words,
    show(i) {
      input.value = i;
      output.value = String(values[i]);
      input.setAttribute("aria-valuetext", words(i));
      marks.forEach((mark, j) => mark.classList.toggle("vx-present", i === j));
    },
  };
}

// Not a list of definitions: JupyterLab lays those out in its own way.
function makeNumbers(names) {
  const values = names.map(() => make("strong"));
  const element = make("div", { class: "vx-numbers" }, ...names.map((name, i) => make("p", {}, make("span", {}, name), values[i])));
  return { element, show: (words) => values.forEach((value, i) => (value.textContent = words[i])) };
}

function makePanel(name, ...children) {
  return make("div", { class: "vx-dial-panel", role: "group", "aria-label": name }, make("p", { class: "vx-panel-name" }, name), ...children);
}

// A row of pictures without buttons. -> { element, paint(i, image) }
function makePictureRow(count, imageShape) {
  const tiles = Array.from({ length: count }, () => makePicture(imageShape));
  return {
    element: make("div", { class: "vx-tiles-row" }, ...tiles.map(({ element }) => element)),
    paint: (i, image) => tiles[i].paint(image),
  };
}

// -> { elements, codes(order, kl), name(order, kl), paint(i, image) }: a row for each of the latents of highest KL.
function makeTraversals(imageShape) {
  const rows = Array.from({ length: TRAVERSED }, () => ({ words: make("span", { class: "vx-tiles-name" }), tiles: makePictureRow(TRAVERSAL.length, imageShape) }));
  for (const { words, tiles } of rows) tiles.element.prepend(words);
  const head = make("div", { class: "vx-tiles-row vx-tiles-head", "aria-hidden": "true" },
    make("span", { class: "vx-tiles-name" }), ...TRAVERSAL.map((step) => make("span", {}, signed(step, 0))));
  return {
    elements: [head, ...rows.map(({ tiles }) => tiles.element)],
    codes: (order, kl) =>
      order.slice(0, TRAVERSED).flatMap((latent) => TRAVERSAL.map((step) => kl.map((_, i) => (i === latent ? step : 0)))),
    name: (order, kl) => rows.forEach(({ words, tiles }, row) => {
      tiles.element.hidden = row >= order.length;
      words.replaceChildren(make("code", {}, `z[${order[row]}]`), ` ${kl[order[row]]?.toFixed(2)} nats`);
    }),
    paint: (i, image) => rows[Math.floor(i / TRAVERSAL.length)].tiles.paint(i % TRAVERSAL.length, image),
  };
}
