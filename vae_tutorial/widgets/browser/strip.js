// The traversal strip: one latent from -span to span in equal steps, the others as they are.

import { atRest, clamp, hundredths, make, signed } from "./page.js";
import { makePicture } from "./picture.js";

const TILES = 7;

// go(latent, value) is called for a chosen tile. -> { element, follow(latent, z, label, map, version) }: `version` tells
// later weights from earlier ones.
export function makeStrip(imageShape, span, source, go) {
  const values = Array.from({ length: TILES }, (_, i) => hundredths(-span + (2 * span * i) / (TILES - 1)));
  let latent = null;
  let here; // the framed tile
  let drawn = "";
  const name = make("span", { class: "vx-panel-name" });
  const tiles = values.map((value) => {
    const picture = makePicture(imageShape);
    const button = make("button", { type: "button", class: "vx-tile" }, picture.element, make("span", {}, signed(value, 1)));
    button.addEventListener("click", () => go(latent, value));
    return { ...picture, button, value };
  });
  const list = make("div", { class: "vx-tiles" }, ...tiles.map(({ button }) => button));
  const now = make("div", { class: "vx-now", "aria-hidden": "true" }, "▲");

  function describe() {
    name.textContent = `z[${latent}] from −${span} to ${span}, the other latents as they are`;
    for (const { button, value } of tiles) button.setAttribute("aria-label", `Set z[${latent}] to ${signed(value)}`);
  }
  // Not at every move: a browser without a graphics card would paint all between the hand and the arrow anew.
  const point = atRest((value) => {
    now.style.left = `${(100 * (0.5 + ((clamp(value, span) + span) / (2 * span)) * (TILES - 1))) / TILES}%`;
  }, 50);
  // A tile is framed only if it is the very picture; the arrow stands where the value is.
  function mark(value) {
    const very = tiles.find((tile) => Math.abs(tile.value - value) < 0.005);
    if (very !== here) {
      here?.button.classList.remove("vx-here");
      very?.button.classList.add("vx-here");
      here = very;
    }
    point(value);
  }

  return {
    element: make("div", { class: "vx-panel vx-strip", role: "group", "aria-label": "Traversal" }, name,
      make("div", { class: "vx-ruled" }, list, now)),
    // Redrawn only when something else than its own latent has changed: while that one moves, the pictures stay true.
    follow(chosen, z, label, map, version) {
      if (chosen !== latent) (latent = chosen), describe();
      mark(z[latent]);
      const wanted = JSON.stringify([latent, z.with(latent, 0), label, map, version]);
      if (wanted === drawn) return;
      drawn = wanted;
      list.setAttribute("aria-busy", "true");
      source.series(values.map((value) => z.with(latent, value)), label, (i, image) => {
        tiles[i].paint(image, map);
        if (i === TILES - 1) list.setAttribute("aria-busy", "false");
      });
    },
  };
}
