// Several models side by side: the same image, or the same code, through each of them.

import { makeClasses } from "./classes.js";
import { makeGallery } from "./gallery.js";
import { readDecoder, readSpan } from "./network.js";
import { atRest, clamp, hundredths, make, makeButton, normal, oncePerFrame, signed } from "./page.js";
import { makePicture } from "./picture.js";
import { makeSliders } from "./sliders.js";
import { makeSource } from "./source.js";

const SAME_IMAGE = "Each model encodes this image itself and decodes its own posterior mean.";
const ORIGIN = "All latents at 0";

export function makeCompare(scene, host) {
  const span = readSpan(scene);
  const sizes = scene.models.map(({ name, decoder }) => ({ name, ...readDecoder(decoder) }));
  const [{ imageShape }] = sizes;
  const zDim = Math.max(...sizes.map((size) => size.zDim));
  const nClasses = Math.max(...sizes.map((size) => size.nClasses));
  let models = [];
  let byImage = scene.images !== null;
  let shown = null; // the gallery's image, or what lies between two of them
  let z = new Array(zDim).fill(0);
  let label = nClasses ? 0 : null;
  let shows = 0;

  const status = make("p", { class: "vx-status", role: "status" });
  const say = atRest((words) => (status.textContent = `${words}.`));
  const sentence = make("p", { class: "vx-sentence" });
  const original = makeOriginal(imageShape);
  const cards = sizes.map(({ name }) => makeCard(name, imageShape));
  const draw = oncePerFrame(() => models.forEach((model, m) => {
    const code = byImage ? shown.codes[m] : z.slice(0, model.zDim);
    model.source.picture(code, model.nClasses ? (byImage ? shown.label : label) : null, (image) => {
      cards[m].paint(image);
      cards[m].element.dataset.z = code.map((value) => value.toFixed(2)).join(" ");
    });
  }));

  function showImage({ index, image, between, mu, label: its }, words) {
    shown = { index, codes: apartAgain(mu, sizes), label: its };
    original.show(between ?? [image]);
    refresh(words);
  }
  function move(pose, words) {
    ({ z, label } = { z, label, ...pose });
    refresh(words);
  }
  function refresh(words) {
    const told = byImage ? (m) => errorOf(models[m], shown.index) : (m) => readsOf(sizes[m], sizes);
    cards.forEach((card, m) => card.tell(told(m)));
    sliders.show(z);
    classes?.show(label);
    draw();
    say(words);
  }
  function change(toImage) {
    byImage = toImage;
    modes.forEach(({ button, image }) => button.setAttribute("aria-pressed", String(image === byImage)));
    sentence.textContent = byImage ? SAME_IMAGE : [sameCode(zDim), ...ignored(sizes, zDim, nClasses)].join(" ");
    original.element.hidden = !byImage;
    controls.hidden = byImage;
    if (gallery) gallery.element.hidden = !byImage;
    (byImage ? below : beside).append(status);
  }

  const modes = [["Same image", true], ["Same z", false]].map(([words, image]) =>
    ({ image, button: makeButton(words, () => (change(image), refresh(`${words} through every model`)), { "aria-pressed": "false" }) }));
  const gallery = scene.images && makeGallery(offered(scene), imageShape, host.id, showImage);
  const sliders = makeSliders(zDim, span, host.id, (i, value) => move({ z: z.with(i, value) }, `z[${i}] = ${signed(value)}${deaf(sizes, i)}`));
  const classes = nClasses ? makeClasses(nClasses, (y) => move({ label: y }, `Class ${y}`)) : null;
  const random = () => z.map(() => clamp(hundredths(normal()), span));
  const beside = make("div", {}, make("div", { class: "vx-buttons" },
    makeButton("Random z", () => move({ z: random() }, "Drawn from the prior")),
    makeButton("Reset", () => move({ z: z.map(() => 0) }, ORIGIN))), classes?.element ?? "");
  const controls = make("div", { class: "vx-panel vx-narrow vx-codes" }, sliders.element, beside);
  const below = make("div", { class: "vx-below" }, gallery?.element ?? "", controls);
  gallery?.paint("gray");

  return {
    element: make("div", { class: "vx-stage vx-compare", style: `--vx-span: ${span}` },
      gallery ? make("div", { class: "vx-modes", role: "group", "aria-label": "What to compare" }, ...modes.map(({ button }) => button)) : "",
      sentence, make("div", { class: "vx-cards", style: `--vx-cards: ${cards.length + (gallery ? 1 : 0)}` },
        original.element, ...cards.map(({ element }) => element)), below),
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
      if (shows++) refresh("New weights");
      else if (!byImage) refresh(ORIGIN);
    },
    stop() {
      for (const part of [draw, say]) part.cancel();
      models.forEach(({ source }) => source.stop());
    },
  };
}

const sameCode = (zDim) => `All models decode the same z; z[${Math.min(3, zDim - 1)}] means something else in each of them.`;

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
    picture: picture.element,
    paint: picture.paint,
    tell: (lines) => told.replaceChildren(...lines.map((line) => make("span", {}, line))),
  };
}

// The image that the models encode, or, of half its size, the two that they blend. -> { element, show(images) }
function makeOriginal(imageShape) {
  const card = makeCard("Original", imageShape);
  const [start, end] = [makePicture(imageShape, "The first image"), makePicture(imageShape, "The second image")];
  const ends = make("div", { class: "vx-ends" }, start.element, end.element);
  card.picture.after(ends);
  return {
    element: card.element,
    show([first, second]) {
      card.picture.hidden = second !== undefined;
      ends.hidden = second === undefined;
      card.tell(ends.hidden ? [] : ["between two images"]);
      card.paint(first);
      start.paint(first);
      if (second) end.paint(second);
    },
  };
}

const errorOf = ({ error, kl }, index) =>
  index === null ? [] : [`squared error ${error[index].toFixed(1)}`, kl ? `KL ${kl[index].toFixed(1)} nats` : "a code without a cloud"];

// What a model reads, where the others read something else.
function readsOf({ zDim, nClasses }, sizes) {
  const latents = sizes.some((size) => size.zDim !== zDim) ? [zDim === 1 ? "1 latent" : `${zDim} latents`] : [];
  return sizes.some((size) => size.nClasses !== nClasses) ? [...latents, nClasses ? "reads the class" : "reads no class"] : latents;
}

const quoted = (sizes) => sizes.map(({ name }) => `“${name}”`).join(", ");

// What some of them ignore, in sentences; which of them do is told under their pictures.
function ignored(sizes, zDim, nClasses) {
  const fewer = sizes.some((size) => size.zDim < zDim);
  const classless = sizes.some((size) => size.nClasses < nClasses);
  return [
    ...(fewer ? ["Models with fewer latents ignore the later ones."] : []),
    ...(classless ? ["The class is for those that read one."] : []),
  ];
}

function deaf(sizes, latent) {
  const fewer = sizes.filter(({ zDim }) => zDim <= latent);
  return fewer.length ? `, which ${quoted(fewer)} ${fewer.length > 1 ? "ignore" : "ignores"}` : "";
}
