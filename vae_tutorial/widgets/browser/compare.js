// Several models side by side: the same image, or the same code, through each of them.

import { makeClasses } from "./classes.js";
import { makeGallery } from "./gallery.js";
import { readDecoder } from "./network.js";
import { atRest, clamp, hundredths, make, makeButton, normal, oncePerFrame, signed } from "./page.js";
import { makePicture } from "./picture.js";
import { makeSliders } from "./sliders.js";
import { makeSource } from "./source.js";

const ONE_IMAGE = "Every model encodes the same image by itself and decodes its own posterior mean.";
const ONE_CODE = "Every model decodes the same numbers. A latent means another thing in every model.";

export function makeCompare(scene, host) {
  const { span } = scene;
  const sizes = scene.models.map(({ name, decoder }) => ({ name, ...readDecoder(decoder) }));
  const [{ imageShape }] = sizes;
  const zDim = Math.max(...sizes.map((size) => size.zDim));
  const nClasses = Math.max(...sizes.map((size) => size.nClasses));
  let models = [];
  let byImage = scene.images !== null;
  let shown = null; // the gallery's image, or what lies between two of them
  let z = new Array(zDim).fill(0);
  let label = nClasses ? 0 : null;

  const status = make("p", { class: "vx-status", role: "status" });
  const say = atRest((words) => (status.textContent = `${words}.`));
  const sentence = make("p", { class: "vx-sentence" });
  const original = makeCard("Original", imageShape);
  const cards = sizes.map(({ name }) => makeCard(name, imageShape));
  const draw = oncePerFrame(() => models.forEach((model, m) => {
    const code = byImage ? shown.codes[m] : z.slice(0, model.zDim);
    model.source.picture(code, model.nClasses ? (byImage ? shown.label : label) : null, (image) => {
      cards[m].paint(image);
      cards[m].element.dataset.z = code.map((value) => value.toFixed(2)).join(" ");
    });
  }));

  function showImage({ index, image, mu, label: its }, words) {
    shown = { index, codes: apartAgain(mu, sizes), label: its };
    original.element.classList.toggle("vx-away", index === null);
    if (image) original.paint(image);
    refresh(words);
  }
  function move(pose, words) {
    ({ z, label } = { z, label, ...pose });
    refresh(words);
  }
  function refresh(words) {
    const told = byImage ? (m) => errorOf(models[m], shown.index) : (m) => readsOf(sizes[m], nClasses);
    cards.forEach((card, m) => card.tell(told(m)));
    original.tell([shown?.index === null && byImage ? "between two images" : ""]);
    sliders.show(z);
    classes?.show(label);
    draw();
    say(words);
  }
  function change(toImage) {
    byImage = toImage;
    modes.forEach(({ button, image }) => button.setAttribute("aria-pressed", String(image === byImage)));
    sentence.textContent = byImage ? ONE_IMAGE : [ONE_CODE, ...ignored(sizes, zDim, nClasses)].join(" ");
    original.element.hidden = !byImage;
    controls.hidden = byImage;
    if (gallery) gallery.element.hidden = !byImage;
  }

  const modes = [["One image", true], ["One z", false]].map(([words, image]) =>
    ({ image, button: makeButton(words, () => (change(image), refresh(`${words} through every model`)), { "aria-pressed": "false" }) }));
  const gallery = scene.images && makeGallery(offered(scene), imageShape, host.id, showImage);
  const sliders = makeSliders(zDim, span, host.id, (i, value) => move({ z: z.with(i, value) }, `z[${i}] = ${signed(value)}${deaf(sizes, i)}`));
  const classes = nClasses ? makeClasses(nClasses, (y) => move({ label: y }, `Class ${y}`)) : null;
  const random = () => z.map(() => clamp(hundredths(normal()), span));
  const controls = make("div", { class: "vx-panel vx-narrow vx-codes" }, sliders.element,
    make("div", {}, make("div", { class: "vx-buttons" },
      makeButton("Random z", () => move({ z: random() }, "Drawn from the prior")),
      makeButton("Reset", () => move({ z: z.map(() => 0) }, "All latents at 0"))), classes?.element ?? ""));
  gallery?.paint("gray");

  return {
    element: make("div", { class: "vx-stage vx-compare", style: `--vx-span: ${span}` },
      gallery ? make("div", { class: "vx-modes", role: "group", "aria-label": "What to compare" }, ...modes.map(({ button }) => button)) : "",
      sentence, make("div", { class: "vx-cards" }, original.element, ...cards.map(({ element }) => element)),
      make("div", { class: "vx-below" }, gallery?.element ?? "", controls, status)),
    fits: (other) => sidesOf(other) === sidesOf(scene),
    show(latest) {
      models.forEach(({ source }) => source.stop());
      models = latest.models.map(({ decoder, error, kl }) => {
        const read = readDecoder(decoder);
        return { ...read, error, kl, source: makeSource(read, host, say) };
      });
      sliders.arrange(z.map((_, i) => i), null);
      change(byImage);
      gallery?.renew(offered(latest));
      if (shown) gallery.again();
      else gallery?.choose(0);
      refresh("The models as they are now");
    },
    stop() {
      for (const part of [draw, say]) part.cancel();
      models.forEach(({ source }) => source.stop());
    },
  };
}

const sidesOf = ({ models, span, sample }) =>
  JSON.stringify([models?.map(({ name, decoder }) => [name, decoder?.z_dim, decoder?.n_classes, decoder?.image_shape]), span, sample]);

// The images for the gallery, each with its codes in all models laid end to end: so that a blend is one of them all.
const offered = ({ images, models }) => images && {
  ...images,
  mu: models[0].mu.map((_, i) => models.flatMap(({ mu }) => mu[i])),
  sigma: [],
};

function apartAgain(codes, sizes) {
  let used = 0;
  return sizes.map(({ zDim }) => codes.slice(used, (used += zDim)));
}

function makeCard(name, imageShape) {
  const picture = makePicture(imageShape, name, "vx-picture");
  const told = make("p", { class: "vx-card-told" });
  return {
    element: make("figure", { class: "vx-card" }, make("figcaption", {}, name), picture.element, told),
    paint: picture.paint,
    tell: (lines) => told.replaceChildren(...lines.map((line) => make("span", {}, line))),
  };
}

const errorOf = ({ error, kl }, index) =>
  index === null ? [] : [`squared error ${error[index].toFixed(1)}`, `KL ${kl[index].toFixed(1)} nats`];

function readsOf({ zDim, nClasses }, anyClass) {
  const latents = zDim === 1 ? "reads z[0]" : `reads z[0] to z[${zDim - 1}]`;
  return anyClass ? [latents, nClasses ? "and the class" : "and no class"] : [latents];
}

const quoted = (sizes) => sizes.map(({ name }) => `“${name}”`).join(", ");

// Who ignores what, in sentences.
function ignored(sizes, zDim, nClasses) {
  const fewer = sizes.filter((size) => size.zDim < zDim);
  const classless = sizes.filter((size) => size.nClasses < nClasses);
  return [
    ...(fewer.length ? [`Models with fewer latents ignore the later ones: ${quoted(fewer)}.`] : []),
    ...(classless.length ? [`The class says nothing to ${quoted(classless)}.`] : []),
  ];
}

function deaf(sizes, latent) {
  const fewer = sizes.filter(({ zDim }) => zDim <= latent);
  return fewer.length ? `, which ${quoted(fewer)} ${fewer.length > 1 ? "ignore" : "ignores"}` : "";
}
