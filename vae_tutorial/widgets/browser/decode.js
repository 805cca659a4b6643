// A decoder as pure functions, without the page: readNetwork(payload) checks every field of what payload.py wrote and
// throws an Error with a sentence for people; decode(network, z) gives the image as numbers. Payloads are only ever
// read as data: an unknown name is refused, never looked up outside these tables.

const ACTIVATIONS = {
  relu: () => (v) => (v < 0 ? 0 : v),
  leaky_relu: ({ slope }) => (v) => (v < 0 ? slope * v : v),
  tanh: () => Math.tanh,
  elu: ({ alpha }) => (v) => (v < 0 ? alpha * Math.expm1(v) : v),
  silu: () => (v) => v / (1 + Math.exp(-v)),
};

const PARAMETERS = { leaky_relu: ["slope"], elu: ["alpha"] };

const sigmoid = (v) => 1 / (1 + Math.exp(-v));

// What the raw outputs mean: the likelihood's mean, kept inside what a screen can show.
const OUTPUTS = {
  sigmoid,
  tanh: (v) => sigmoid(2 * v), // (tanh(v) + 1) / 2
  identity: (v) => Math.min(1, Math.max(0, v)),
  continuous_bernoulli: (v) =>
    Math.abs(v) < 0.05 ? 0.5 + v / 12 - v ** 3 / 720 : 0.5 + 0.5 / Math.tanh(v / 2) - 1 / v,
};

export function readNetwork(payload) {
  demand(payload !== null && typeof payload === "object", "there is no decoder in it.");
  const { z_dim, image_shape, layers, output } = payload;
  demand(payload.format === 1, `its format is ${String(payload.format)}, this page reads format 1.`);
  demand(isSize(z_dim), `the number of latents must be a whole number above 0, not ${String(z_dim)}.`);
  demand(
    Array.isArray(image_shape) && image_shape.length === 3 && image_shape.every(isSize) && [1, 3].includes(image_shape[0]),
    "the image shape must be 1 or 3 channels, a height and a width.",
  );
  demand(Array.isArray(layers), "there is no list of layers.");
  demand(Object.hasOwn(OUTPUTS, output), `the output "${String(output)}" is not known here.`);
  const numbers = readNumbers(payload.weights, payload.precision);
  const network = { z_dim, image_shape, output: OUTPUTS[output], layers: readLayers(layers, z_dim, numbers) };
  const pixels = image_shape.reduce((a, b) => a * b);
  const out = network.layers.reduce((size, layer) => layer.out ?? size, z_dim);
  demand(out === pixels, `the last layer gives ${out} numbers for an image of ${pixels} pixels.`);
  return network;
}

function readLayers(layers, size, numbers) {
  let used = 0;
  const take = (count) => numbers.subarray(used, (used += count));
  const read = layers.map((layer, i) => {
    const kind = layer?.kind;
    if (kind === "linear") {
      demand(isSize(layer.in) && isSize(layer.out), `the sizes of layer ${i} are not whole numbers above 0.`);
      demand(layer.in === size, `layer ${i} takes ${layer.in} numbers, but ${size} arrive.`);
      size = layer.out;
      return { out: size, weight: take(layer.in * size), bias: take(size) };
    }
    demand(Object.hasOwn(ACTIVATIONS, kind), `layer ${i} is of the unknown kind "${String(kind)}".`);
    for (const name of PARAMETERS[kind] ?? []) {
      demand(Number.isFinite(layer[name]), `layer ${i}, ${kind}, needs a number as its ${name}.`);
    }
    return { apply: ACTIVATIONS[kind](layer) };
  });
  demand(used === numbers.length, `the layers need ${used} weights, but ${numbers.length} came.`);
  return read;
}

// -> Float32Array of c * h * w numbers in [0, 1], channel by channel, row by row.
export function decode(network, z) {
  demand(z.length === network.z_dim, `a code has ${network.z_dim} numbers, not ${z.length}.`);
  let values = Float32Array.from(z);
  for (const layer of network.layers) {
    values = layer.apply ? values.map(layer.apply) : linear(layer, values);
  }
  return values.map(network.output);
}

function linear({ out, weight, bias }, x) {
  const y = new Float32Array(out);
  for (let row = 0, at = 0; row < out; row++) {
    let sum = bias[row];
    for (let i = 0; i < x.length; i++) sum += weight[at++] * x[i];
    y[row] = sum;
  }
  return y;
}

function readNumbers(bytes, precision) {
  demand(ArrayBuffer.isView(bytes), "its weights are missing.");
  demand(precision === "float32" || precision === "float16", `"${String(precision)}" weights are not known here.`);
  const width = precision === "float32" ? 4 : 2;
  demand(bytes.byteLength % width === 0, "its weights are cut off.");
  // The bytes may begin anywhere inside a larger message: only a copy is sure to be aligned.
  const { buffer } = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
  const numbers = width === 4 ? new Float32Array(buffer) : Float32Array.from(new Uint16Array(buffer), fromHalf);
  demand(numbers.every(Number.isFinite), "some of its weights are not finite numbers.");
  return numbers;
}

// Float16Array is too young to be relied on.
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return NaN; // infinities too: both are refused
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
}

const isSize = (value) => Number.isSafeInteger(value) && value > 0;

function demand(condition, sentence) {
  if (!condition) throw new Error(sentence);
}
