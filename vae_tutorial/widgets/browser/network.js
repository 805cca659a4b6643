// Encoders and decoders as pure functions, without the page. readDecoder and readEncoder check every field of what
// payload.py wrote and throw an Error with a sentence for people. Payloads are only ever read as data: an unknown name
// is refused, never looked up outside the tables.

import { byChannel, byPixel, demand, isCount, isShape, isSize, isTooMuch, readLayer, size } from "./layers.js";

const FORMAT = 2;

export const sigmoid = (v) => 1 / (1 + Math.exp(-v));

// What the raw outputs mean: the likelihood's mean, kept inside what a screen can show.
const MEANS = {
  sigmoid,
  tanh: (v) => sigmoid(2 * v), // (tanh(v) + 1) / 2
  identity: (v) => Math.min(1, Math.max(0, v)),
  continuous_bernoulli: (v) =>
    Math.abs(v) < 0.05 ? 0.5 + v / 12 - v ** 3 / 720 : 0.5 + 0.5 / Math.tanh(v / 2) - 1 / v,
};

// -> { zDim, nClasses, imageShape, decode(z, label) }: c * h * w numbers in [0, 1], channel by channel, row by row,
// overwritten by the next call. A decoder that only the kernel can run has `kernel`, its number there, and no decode.
export function readDecoder(payload) {
  demand(payload !== null && typeof payload === "object", "there is no decoder in it.");
  const sizes = readSizes(payload);
  const { zDim, nClasses, imageShape } = sizes;
  if (payload.kernel !== undefined) {
    demand(isCount(payload.kernel), `a decoder in the kernel has a number, not ${String(payload.kernel)}.`);
    return { ...sizes, kernel: payload.kernel };
  }
  demand(Object.hasOwn(MEANS, payload.mean), `the output "${String(payload.mean)}" is not known here.`);
  const mean = MEANS[payload.mean];
  const network = readNetwork(payload.network, [zDim + nClasses]);
  demand(size(network.shape) === size(imageShape),
    `the last layer gives ${size(network.shape)} numbers for an image of ${size(imageShape)} pixels.`);
  const input = new Float32Array(zDim + nClasses);
  const image = new Float32Array(size(imageShape));
  function decode(z, label = null) {
    demand(z.length === zDim, `a code has ${zDim} numbers, not ${z.length}.`);
    input.fill(0).set(z);
    setLabel(input.subarray(zDim), nClasses, label);
    const logits = network.run(input);
    for (let i = 0; i < image.length; i++) image[i] = mean(logits[i]);
    return image;
  }
  return { ...sizes, decode };
}

// -> { zDim, nClasses, imageShape, encode(image, label) -> { mu, logvar } }. The label joins the image as planes behind
// its channels where the network takes an image, and otherwise as numbers behind its pixels. A deterministic encoder
// gives mu alone; its logvar is the narrowest there is.
export function readEncoder(payload) {
  demand(payload !== null && typeof payload === "object", "there is no encoder in it.");
  const sizes = readSizes(payload);
  const { zDim, nClasses, imageShape } = sizes;
  const [channels, height, width] = imageShape;
  const plane = payload.planes === true ? height * width : 1;
  const pixels = size(imageShape);
  const shape = payload.planes === true ? [channels + nClasses, height, width] : [pixels + nClasses];
  const network = readNetwork(payload.network, shape);
  const numbers = payload.deterministic === true ? zDim : 2 * zDim;
  demand(size(network.shape) === numbers, `the last layer gives ${size(network.shape)} numbers for ${zDim} latents.`);
  const input = new Float32Array(pixels + nClasses * plane);
  function encode(image, label = null) {
    demand(image.length === pixels, `an image has ${pixels} numbers, not ${image.length}.`);
    input.fill(0).set(image);
    setLabel(input.subarray(pixels), nClasses, label, plane);
    const heads = network.run(input);
    const mu = Array.from(heads.subarray(0, zDim));
    return { mu, logvar: mu.map((_, i) => Math.min(10, Math.max(-10, heads[zDim + i] ?? -10))) };
  }
  return { ...sizes, encode };
}

// How far the sliders of a scene go to both sides.
export function readSpan({ span }) {
  demand(Number.isFinite(span) && span > 0, `the sliders' span must be a number above 0, not ${String(span)}.`);
  return span;
}

function setLabel(input, nClasses, label, plane = 1) {
  if (nClasses === 0) return;
  demand(isCount(label) && label < nClasses, `the label must be one of ${nClasses} classes, not ${String(label)}.`);
  input.fill(1, label * plane, (label + 1) * plane);
}

function readSizes({ z_dim: zDim, n_classes: nClasses, image_shape: imageShape }) {
  demand(isSize(zDim) && zDim <= 4096, `the number of latents must be a whole number above 0, not ${String(zDim)}.`);
  demand(isCount(nClasses) && nClasses <= 1000, `the number of classes must be a whole number, not ${String(nClasses)}.`);
  demand(isShape(imageShape) && imageShape.length === 3 && [1, 3].includes(imageShape[0]),
    "the image shape must be 1 or 3 channels, a height and a width.");
  return { zDim, nClasses, imageShape };
}

// -> { shape, run(values) }, with images given and taken channel by channel.
function readNetwork(payload, shape) {
  demand(payload !== null && typeof payload === "object", "there is no network in it.");
  demand(payload.format === FORMAT, `its format is ${String(payload.format)}, this page reads format ${FORMAT}.`);
  demand(Array.isArray(payload.layers) && payload.layers.length <= 200, "there is no list of layers.");
  const numbers = readNumbers(payload.weights, payload.precision);
  let used = 0;
  let work = 0;
  const take = (count) => {
    demand(used + count <= numbers.length, `the layers need more weights than the ${numbers.length} that came.`);
    return numbers.subarray(used, (used += count));
  };
  const runs = shape.length === 3 ? [byPixel(shape)] : [];
  payload.layers.forEach((spec, i) => {
    const layer = explain(`layer ${i}: `, () => readLayer(spec, shape, take));
    work += (layer.work ?? 0) + size(layer.shape);
    demand(!isTooMuch(work), `its layers need more than ${work} steps.`);
    runs.push(layer.run);
    shape = layer.shape;
  });
  demand(used === numbers.length, `the layers need ${used} weights, but ${numbers.length} came.`);
  if (shape.length === 3) runs.push(byChannel(shape));
  return { shape, run: (values) => runs.reduce((v, run) => run(v), values) };
}

function explain(where, read) {
  try {
    return read();
  } catch (error) {
    throw new Error(where + error.message);
  }
}

export function readNumbers(bytes, precision) {
  demand(ArrayBuffer.isView(bytes), "its weights are missing.");
  demand(precision === "float32" || precision === "float16", `"${String(precision)}" weights are not known here.`);
  const width = precision === "float32" ? 4 : 2;
  demand(bytes.byteLength % width === 0, "its weights are cut off.");
  // The bytes may begin anywhere inside a larger message: only a copy is sure to be aligned.
  const { buffer } = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
  const numbers = width === 4 ? new Float32Array(buffer) : fromHalves(new Uint16Array(buffer));
  let sum = 0; // plain loops over half a million numbers: `every` and `from` take ten times as long
  for (let i = 0; i < numbers.length; i++) sum += 0 * numbers[i];
  demand(sum === 0, "some of its weights are not finite numbers.");
  return numbers;
}

let halves = null; // every 16-bit number there is; Float16Array is too young to be relied on

function fromHalves(bits) {
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, i) => fromHalf(i));
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) numbers[i] = halves[bits[i]];
  return numbers;
}

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return NaN; // infinities too: both are refused
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
}
