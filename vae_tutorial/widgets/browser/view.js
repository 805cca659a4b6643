// The large picture, the real image that it is compared with, and the colours of both.

import { make, makeMenu } from "./page.js";
import { colourMaps, makePicture } from "./picture.js";

// recoloured(map) is called after a choice of colours. -> { picture, original, caption, menu, map(), paint(image, z),
// hold(image, name) }, elements first; `hold(null)` takes the real image away.
export function makeView(imageShape, recoloured) {
  const picture = makePicture(imageShape, "The decoder's mean image", "vx-picture");
  const original = makePicture(imageShape, "The chosen image", "vx-original");
  let map = "gray";
  let held = null;
  const menu = makeMenu("Colours", colourMaps.map((name) => [name, name === "gray" ? "grey" : name]), (name) => {
    map = name;
    if (held) original.paint(held, map);
    recoloured(map);
  });
  menu.element.hidden = imageShape[0] !== 1; // there is nothing to choose for an image that has its colours
  const caption = make("p", { class: "vx-caption" });
  function hold(image, name = "") {
    held = image;
    original.element.hidden = caption.hidden = !image;
    caption.textContent = name;
    if (image) original.paint(image, map);
  }
  hold(null);
  return {
    picture: picture.element,
    original: original.element,
    caption,
    menu: menu.element,
    map: () => map,
    paint(image, z) {
      picture.paint(image, map);
      picture.element.dataset.z = z.map((value) => value.toFixed(2)).join(" ");
    },
    hold,
  };
}
