// Write a digit and see what a model makes of it: its posterior, its reconstruction, samples, and its other classes.

import { makeClasses } from "./classes.js";
import { makeLegend, told } from "./chart.js";
import { normalise, renderInk } from "./ink.js";
import { readDecoder, readEncoder } from "./network.js";
import { atRest, make, makeButton, normal, oncePerFrame } from "./page.js";
import { makePen } from "./pen.js";
import { makePicture, readImages } from "./picture.js";
import { klTerms, makePosterior } from "./posterior.js";
import { makeSource } from "./source.js";

const SAMPLES = 4;
const INVITATION = "Write a digit on the black sheet: with a mouse, a finger, or arrow keys and Space.";
const NOTHING = { base: null, strokes: [] };

// What p(x|z) charges for an image where the decoder's mean is known: squared error, and nats where `likelihood`
// { kind: "bernoulli" | "gaussian" | "other", sigma: number, or null for the one that fits best } says how.
export function reconstructionError(image, mean, { kind, sigma }) {
  let [squared, crossEntropy] = [0, 0];
  image.forEach((x, i) => {
    squared += (x - mean[i]) ** 2;
    // A mean of 1 stands for all between 1 and the 32-bit number below it.
    if (x > 0) crossEntropy -= x * Math.log(Math.max(mean[i], 1e-45));
    if (x < 1) crossEntropy -= (1 - x) * Math.log(Math.max(1 - mean[i], 2 ** -25));
  });
  const variance = sigma === null ? Math.max(squared / image.length, (1 / 255000) ** 2) : sigma ** 2;
  const gaussian = squared / (2 * variance) + (image.length / 2) * Math.log(2 * Math.PI * variance);
  return { squared, nats: { bernoulli: crossEntropy, gaussian }[kind] ?? null };
}

// scene: { encoder, decoder, likelihood, order, examples: { x, y } or null }
export function makeDrawDigit(scene, host) {
  const { zDim, nClasses, imageShape, encode } = readEncoder(scene.encoder);
  const draw = oncePerFrame(redraw);
  const say = atRest((words) => (status.textContent = words));
  const source = makeSource(readDecoder(scene.decoder), host, say);
  const status = make("p", { class: "vx-status", role: "status" });
  let now = NOTHING; // a loaded image as the base, or strokes
  let past = [];
  let label = nClasses ? 0 : null;
  let eps = [];
  let words = "";

  const keep = () => (past = [...past.slice(-99), now]);
  function put(state, saying) {
    [now, words] = [state, saying];
    draw();
  }
  const pen = makePen(imageShape, {
    begin(point) {
      keep();
      put({ base: null, strokes: [...now.strokes, [point]] }, "Written by hand");
    },
    draw(point) {
      now.strokes.at(-1).push(point);
      draw();
    },
    undo,
    say,
  });
  function undo() {
    pen.lift();
    if (past.length) put(past.pop(), "Taken back");
  }
  function clear() {
    pen.lift();
    keep();
    put(NOTHING, "Cleared");
  }
  function load(example) {
    pen.lift();
    keep();
    if (nClasses && example.label !== null) label = example.label;
    put({ base: example, strokes: [] }, example.words);
  }
  function resample() {
    eps = Array.from({ length: SAMPLES }, () => Array.from({ length: zDim }, normal));
    draw();
  }

  const seen = makePicture(imageShape, "What the encoder sees");
  const reconstruction = makePicture(imageShape, "The reconstruction", "vx-reconstruction");
  const samples = makeNamedPictures(SAMPLES, imageShape, "Sample");
  const others = makeNamedPictures(nClasses, imageShape, "Class");
  const posterior = makePosterior(scene.order);
  const numbers = makeLegend(["KL(q ‖ p)", "reconstruction error"], () => "");
  const undoing = makeButton("Undo", undo);
  const centring = make("input", { type: "checkbox", checked: true });
  centring.addEventListener("change", draw);
  const classes = nClasses ? makeClasses(nClasses, (y) => ((label = y), (words = `Encoded as class ${y}`), draw()), "Encode it as class") : null;
  const tiles = scene.examples ? makeImageButtons(scene.examples, imageShape, load) : [];

  function redraw() {
    const { base, strokes } = now;
    const empty = !base && !strokes.length;
    const sheet = base?.image ?? renderInk(strokes, imageShape);
    const image = base || !centring.checked ? sheet : renderInk(normalise(strokes, imageShape), imageShape);
    pen.paint(sheet);
    pen.element.classList.toggle("vx-empty", empty);
    seen.paint(image);
    undoing.disabled = past.length === 0;
    centring.disabled = base !== null; // an image is encoded as it is
    stage.classList.toggle("vx-unwritten", empty);
    classes?.show(label);
    tiles.forEach(({ button, example }) => button.setAttribute("aria-pressed", String(base === example)));
    if (empty) blank();
    else answer(image);
  }

  function blank() {
    source.series([], null, () => {});
    posterior.show(null);
    numbers.show(["", ""]);
    reconstruction.element.dataset.z = "";
    say(words);
  }

  function answer(image) {
    const q = encode(image, label);
    const kl = klTerms(q).reduce((a, b) => a + b);
    posterior.show(q);
    source.picture(q.mu, label, (mean) => {
      if (now === NOTHING) return; // the sheet was cleared before a kernel answered
      const { squared, nats } = reconstructionError(image, mean, scene.likelihood);
      const error = nats === null ? `${told(squared, 1)} squared` : `${told(nats, 1)} nats`;
      reconstruction.paint(mean);
      reconstruction.element.dataset.z = q.mu.map((value) => value.toFixed(5)).join(" ");
      numbers.show([`${told(kl, 1)} nats`, error]);
      say(`${words}. KL ${told(kl, 1)} nats, reconstruction error ${error}`);
    });
    const drawn = eps.map((one) => q.mu.map((mu, i) => mu + Math.exp(q.logvar[i] / 2) * one[i]));
    const codes = [...drawn, ...others.map(() => q.mu)];
    const labels = [...samples.map(() => label), ...others.keys()];
    source.series(codes, nClasses ? labels : null, (i, mean) => (samples[i] ?? others[i - SAMPLES]).paint(mean));
  }

  resample();
  const figure = (name, ...pictures) => make("figure", { class: "vx-view" },
    make("div", { class: "vx-views-of" }, ...pictures), make("figcaption", {}, name));
  const nothing = make("p", { class: "vx-nothing" }, "Nothing written yet");
  const left = make("div", { class: "vx-left" }, pen.element,
    make("div", { class: "vx-buttons" }, makeButton("Clear", clear), undoing, makeButton("New samples", resample)),
    make("label", { class: "vx-check" }, centring, "Centre and scale, as MNIST did"),
    classes?.element ?? "", status);
  const right = make("div", { class: "vx-right" }, make("p", { class: "vx-sentence" }, INVITATION),
    make("div", { class: "vx-views" }, figure("What the encoder sees", seen.element), figure("Reconstruction (from μ)", reconstruction.element),
      figure("Four draws of the posterior", ...samples.map(({ element }) => element)), nothing),
    numbers.element, posterior.element);
  const panel = (name, list, kind = "") => make("div", { class: "vx-panel", role: "group", "aria-label": name },
    make("span", { class: "vx-panel-name" }, name), make("div", { class: `vx-tiles ${kind}` }, ...list));
  const stage = make("div", { class: "vx-stage vx-draw" }, left, right, make("div", { class: "vx-below" },
    nClasses ? panel("The same μ, decoded as every class",
      others.map(({ element }, y) => make("div", { class: "vx-other" }, element, make("span", {}, y))), "vx-classed") : "",
    tiles.length ? panel("Start from an image", tiles.map(({ button }) => button)) : ""));
  return {
    element: stage,
    fits: () => false,
    show: redraw,
    stop() {
      for (const part of [draw, say]) part.cancel();
      source.stop();
    },
  };
}

const makeNamedPictures = (count, imageShape, name) => Array.from({ length: count }, (_, i) => makePicture(imageShape, `${name} ${i}`));

function makeImageButtons({ x, y: labels }, imageShape, load) {
  return readImages(x, imageShape).map((image, i) => {
    const words = labels ? `Image ${i + 1}, class ${labels[i]}` : `Image ${i + 1}`;
    const picture = makePicture(imageShape);
    picture.paint(image);
    const example = { image, words, label: labels ? labels[i] : null };
    return { example, button: makeButton(picture.element, () => load(example), { class: "vx-tile", "aria-pressed": "false", "aria-label": words }) };
  });
}
