// The map of two latents, covered with the images that its places decode to, to drag over.

import { makeClasses } from "./classes.js";
import { readDecoder, readSpan } from "./network.js";
import { makePad } from "./pad.js";
import { atRest, clamp, hundredths, make, makeButton, normal, oncePerFrame, signed } from "./page.js";
import { makePicture } from "./picture.js";
import { inQuantiles, inSteps } from "./prior.js";
import { makeSliders } from "./sliders.js";
import { makeSource } from "./source.js";
import { makeTools } from "./tools.js";

const SIDE = 21; // images along each side of the map
const MAP = 560; // pixels
const HOW_TO_DRAG = "Drag over the map or a slider. Every small image is what the decoder makes of the place where it stands.";
const IN_SHARES = "Each of them now stands for the same share of random codes.";

export function makeManifold(scene, host) {
  const { nClasses, imageShape } = readDecoder(scene.decoder);
  const span = readSpan(scene);
  let z = [0, 0];
  let label = nClasses ? 0 : null;
  let scale = inSteps(span);
  let source = null;
  let codes = null;
  let shows = 0;

  const picture = makePicture(imageShape, "The decoder's mean image", "vx-picture");
  const status = make("p", { class: "vx-status", role: "status" });
  const say = atRest((words) => (status.textContent = `${words}. Now z = (${z.map((value) => signed(value)).join(", ")})${pad.outside() ? ", outside the map" : ""}`));
  const draw = oncePerFrame(() => source.picture(z, label, (image) => {
    picture.paint(image);
    picture.element.dataset.z = z.map((value) => value.toFixed(2)).join(" ");
  }));

  function move(pose, words) {
    ({ z, label } = { z, label, ...pose });
    sliders.show(z);
    pad.show(z);
    classes?.show(label);
    draw();
    say(words);
  }
  function cover() {
    pad.area.setAttribute("aria-busy", "true");
    source.series(pictures.codes(scale), label, (i, image) => {
      pictures.paint(i, image);
      if (i === SIDE ** 2 - 1) pad.area.setAttribute("aria-busy", "false");
    });
  }
  function rescale(pressed) {
    scale = pressed ? inQuantiles : inSteps(span);
    sentence.textContent = pressed ? `${HOW_TO_DRAG} ${IN_SHARES}` : HOW_TO_DRAG;
    pad.rescale(scale);
    frame.show(scale);
    cover();
    say(pressed ? "Equal shares of random codes" : "Equal steps");
  }
  function showCodes(pressed) {
    pad.scatter(pressed ? codes : null);
    frame.element.classList.toggle("vx-dimmed", pressed);
    say(pressed ? "The codes of the images lie over the map, each at its posterior mean" : "The codes are hidden");
  }

  const sentence = make("p", { class: "vx-sentence" }, HOW_TO_DRAG);
  const pictures = makePlane(imageShape);
  const pad = makePad(2, span, (values) => move({ z: z.map((value, i) => values[i] ?? value) }, "Moved over the map"),
    { size: MAP, behind: pictures.element });
  const frame = makeFrame(pad.element);
  const sliders = makeSliders(2, span, host.id, (i, value) => move({ z: z.with(i, value) }, `Moved z[${i}]`));
  const classes = nClasses ? makeClasses(nClasses, (y) => (move({ label: y }, `Class ${y}`), cover())) : null;
  const random = () => z.map(() => clamp(hundredths(normal()), span));
  const withCodes = makeToggle("Show the images' codes", showCodes);
  const buttons = make("div", { class: "vx-buttons" },
    makeButton("Random z", () => move({ z: random() }, "Drawn from the prior")),
    makeButton("Reset", () => move({ z: [0, 0] }, "Both latents at 0")),
    makeToggle("Equal shares", rescale), withCodes);

  return {
    element: make("div", { class: "vx-stage vx-manifold", style: `--vx-span: ${span}` }, make("div", { class: "vx-field" },
      sentence, picture.element, frame.element,
      make("div", { class: "vx-aside vx-narrow" }, classes?.element ?? "", buttons, sliders.element), status,
      make("div", { class: "vx-tools" }, ...makeTools(() => ({ z, label }), picture.element, say)))),
    fits: ({ decoder, span: other }) =>
      JSON.stringify([decoder?.z_dim, decoder?.n_classes, decoder?.image_shape, other]) === JSON.stringify([2, nClasses, imageShape, span]),
    show(latest) {
      source?.stop();
      source = makeSource(readDecoder(latest.decoder), host, say);
      codes = latest.codes;
      withCodes.hidden = !codes;
      pad.scatter(codes && withCodes.getAttribute("aria-pressed") === "true" ? codes : null);
      sliders.arrange([0, 1], latest.kl);
      frame.show(scale);
      move({}, shows++ ? "New weights" : "Both latents at 0");
      cover();
    },
    stop() {
      for (const part of [draw, say]) part.cancel();
      source?.stop();
    },
  };
}

// A button that stays pressed. set(pressed) is called for every change.
function makeToggle(words, set) {
  const button = makeButton(words, () => {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(pressed));
    set(pressed);
  }, { "aria-pressed": "false" });
  return button;
}

// One canvas for all images, each in a square cell. -> { element, codes(scale), paint(i, image) }: `codes` gives the code
// of every cell's centre, from the middle of the map outwards, and `paint` takes the images in that order.
function makePlane(imageShape) {
  const [, height, width] = imageShape;
  const cell = Math.max(height, width);
  const element = make("canvas", { class: "vx-image vx-plane", width: SIDE * cell, height: SIDE * cell, "aria-hidden": "true" });
  const context = element.getContext("2d");
  const one = makePicture(imageShape);
  const middle = (SIDE - 1) / 2;
  const cells = Array.from({ length: SIDE ** 2 }, (_, i) => [i % SIDE, Math.floor(i / SIDE)])
    .sort((a, b) => Math.hypot(a[0] - middle, a[1] - middle) - Math.hypot(b[0] - middle, b[1] - middle));
  return {
    element,
    codes: (scale) => cells.map(([column, row]) => [scale.value((column + 0.5) / SIDE), scale.value(1 - (row + 0.5) / SIDE)]),
    paint(i, image) {
      const [column, row] = cells[i];
      one.paint(image);
      context.drawImage(one.element, column * cell + ((cell - width) >> 1), row * cell + ((cell - height) >> 1));
    },
  };
}

// The map with the numbers of its axes on the left and below. -> { element, show(scale) }
function makeFrame(inside) {
  const [across, up] = ["vx-across", "vx-up"].map((kind) => make("div", { class: `vx-ruler ${kind}`, "aria-hidden": "true" }));
  const mark = (text, side, place) => make("span", { style: `${side}: ${100 * place}%` }, text);
  return {
    element: make("div", { class: "vx-frame" }, up, inside, across),
    show(scale) {
      const [low, high] = [scale.value(0), scale.value(1)];
      const step = Math.max(1, Math.round((high - low) / 6));
      const count = Math.floor(Math.min(high, -low) / step + 1e-9);
      const values = Array.from({ length: 2 * count + 1 }, (_, i) => (i - count) * step);
      const named = (name) => (value) => (value === 0 ? `${name} = 0` : signed(value, 0));
      across.replaceChildren(...values.map((value) => mark(named("z[0]")(value), "left", scale.place(value))));
      up.replaceChildren(...values.map((value) => mark(named("z[1]")(value), "bottom", scale.place(value))));
    },
  };
}
