// Real images to start from: choosing one moves the code to its posterior mean; choosing a second one after "Blend"
// gives a slider from the one to the other.

import { make, makeButton } from "./page.js";
import { makePicture, readImages } from "./picture.js";

// examples: { x: bytes, y: labels or null, mu, sigma: n lists of z numbers }. change(example, words) is called with
// { index, mu, sigma, label } of the code to show; `index` is null between two images, which are then `between`.
// -> { element, paint(map), renew(examples), leave(), settle(), choose(index), again(), example(index) }
export function makeGallery(examples, imageShape, id, change) {
  const images = readImages(examples.x, imageShape);
  const labels = examples.y;
  const called = (i) => (labels ? `image ${i + 1}, class ${labels[i]}` : `image ${i + 1}`);
  let start = null;
  let end = null;
  let choosingEnd = false;
  let again = () => {};

  const tiles = images.map((image, i) => {
    const picture = makePicture(imageShape);
    const button = makeButton(picture.element, () => choose(i), { class: "vx-tile", "aria-pressed": "false", "aria-label": called(i) });
    return { button, paint: (map) => picture.paint(image, map) };
  });
  const blend = makeButton("Blend with…", () => show(start, end, !choosingEnd), { "aria-pressed": "false", disabled: true });
  const amount = make("input", { type: "range", id: `${id}-blend`, min: 0, max: 1, step: 0.01, value: 0 });
  const output = make("output", { class: "vx-value", for: amount.id });
  const between = make("div", { class: "vx-between", hidden: true }, make("label", { for: amount.id }, "Blend"), amount, output);
  const words = make("span", { class: "vx-panel-name" });
  amount.addEventListener("input", () => mix(Number(amount.value)));

  function choose(i) {
    if (choosingEnd && i !== start) return show(start, i, false), mix(0.5);
    again = () => choose(i);
    show(i, null, false);
    change(example(i), `The code of ${called(i)}: its posterior mean`);
  }

  const example = (i) => ({ index: i, name: called(i), image: images[i], mu: examples.mu[i], sigma: examples.sigma[i], label: labels ? labels[i] : null });

  function mix(t) {
    again = () => mix(t);
    amount.value = t;
    output.value = `${Math.round(100 * t)} %`;
    const [a, b] = [example(start), example(end)];
    const along = (from, to) => from.map((value, i) => (1 - t) * value + t * to[i]);
    const ends = { 0: a, 1: b }[t];
    change(ends ?? { index: null, between: [a.image, b.image], mu: along(a.mu, b.mu), label: t < 0.5 ? a.label : b.label }, `${output.value} of the way from ${called(start)} to ${called(end)}`);
  }

  function show(newStart, newEnd, choosing) {
    [start, end, choosingEnd] = [newStart, newEnd, choosing];
    tiles.forEach(({ button }, i) => {
      button.classList.toggle("vx-here", i === start || i === end);
      button.setAttribute("aria-pressed", String(i === start || i === end));
    });
    blend.disabled = start === null;
    blend.setAttribute("aria-pressed", String(choosingEnd));
    between.hidden = end === null;
    words.textContent = choosingEnd ? "Choose the image to blend with" : "Start from an image";
  }

  show(null, null, false);
  return {
    element: make("div", { class: "vx-panel", role: "group", "aria-label": "Images" }, words, blend, between,
      make("div", { class: "vx-tiles" }, ...tiles.map(({ button }) => button))),
    paint: (map) => tiles.forEach((tile) => tile.paint(map)),
    renew: (latest) => (examples = latest), // the same images, encoded by later weights
    // The code has left the line between two images, or will: the first one, or the one shown, stays marked.
    settle: () => end !== null && show(null, null, false),
    example,
    leave: () => ((again = () => {}), show(null, null, false)), // the code is no longer that of an image
    choose,
    again: () => again(), // tell once more of the code that is shown, as after `renew`
  };
}
