// Images on canvases: numbers to colours.

import { make } from "./page.js";

// viridis (van der Walt & Smith), ten of its colours; between them it is nearly straight.
const VIRIDIS = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37]];

// Ways to show one channel: name -> 256 times red, green, blue.
const COLOUR_MAPS = {
  gray: table((v) => [v, v, v]),
  inverted: table((v) => [255 - v, 255 - v, 255 - v]),
  viridis: table((v) => {
    const at = (v / 255) * (VIRIDIS.length - 1);
    const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
    return [0, 1, 2].map((c) => VIRIDIS[low][c] + (at - low) * (VIRIDIS[low + 1][c] - VIRIDIS[low][c]));
  }),
};

const MOST_IMAGES = 100; // in a row of buttons

export const colourMaps = Object.keys(COLOUR_MAPS);

function table(colour) {
  return Uint8ClampedArray.from({ length: 256 }, (_, v) => v).reduce((all, v) => (all.set(colour(v), 3 * v), all), new Uint8ClampedArray(768));
}

// A canvas of the image's own size: CSS makes it large. Without a name it is decoration. -> { element, paint(image, map) },
// where image is c * h * w numbers in [0, 1], channel by channel.
export function makePicture([channels, height, width], name = "", kind = "") {
  const told = name ? { role: "img", "aria-label": name } : { "aria-hidden": "true" };
  const element = make("canvas", { class: `vx-image ${kind}`, width, height, ...told });
  const context = element.getContext("2d");
  const pixels = new ImageData(width, height);
  pixels.data.fill(255);
  const size = width * height;
  function paint(image, map = "gray") {
    const colours = COLOUR_MAPS[map];
    for (let i = 0, at = 0; i < size; i++, at += 4) {
      for (let c = 0; c < 3; c++) {
        pixels.data[at + c] = channels === 3 ? 255 * image[c * size + i] : colours[3 * Math.round(255 * image[i]) + c];
      }
    }
    context.putImageData(pixels, 0, 0);
  }
  return { element, paint };
}

// Bytes of n images as they lie in a scene -> list of n lists of numbers in [0, 1].
export function readImages(bytes, shape) {
  const size = shape.reduce((a, b) => a * b);
  const count = bytes.byteLength / size;
  if (!Number.isInteger(count) || count > MOST_IMAGES) throw new Error(`it holds ${bytes.byteLength} bytes of images.`);
  const all = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) =>
    Float32Array.from(all.subarray(i * size, (i + 1) * size), (byte) => byte / 255));
}
