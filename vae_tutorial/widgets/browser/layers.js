// The layers of a network: how each is read from its table and computed. Images lie pixel by pixel with their channels
// side by side (height, width, channel), so that the innermost loop runs over numbers that lie side by side too.

import { makeMatrix, multiply } from "./matrix.js";

const ACTIVATIONS = {
  relu: () => (v) => (v < 0 ? 0 : v),
  leaky_relu: ({ slope }) => (v) => (v < 0 ? slope * v : v),
  tanh: () => Math.tanh,
  elu: ({ alpha }) => (v) => (v < 0 ? alpha * Math.expm1(v) : v),
  silu: () => (v) => v / (1 + Math.exp(-v)),
  sigmoid: () => (v) => 1 / (1 + Math.exp(-v)),
};

const PARAMETERS = { leaky_relu: ["slope"], elu: ["alpha"] };

// What a network may ask for, so that a broken table can neither fill the memory nor stop the page: numbers that a layer
// gives, the side and the step of a kernel, multiplications.
const MOST = 2 ** 20;
const WIDEST = 64;
const MOST_WORK = 2 ** 30;

// One layer's table, the shape [n] or [channels, height, width] that reaches it, and take(count) for its weights
// -> { shape, work, run(values) -> values }: `work` is the number of multiplications. The values given by `run` are
// overwritten by its next call.
export function readLayer(spec, shape, take) {
  const kind = spec?.kind;
  if (kind === "linear") return linear(spec, shape, take);
  if (kind === "conv" || kind === "conv_transpose") return convolution(spec, shape, take);
  if (kind === "unflatten") return unflatten(spec, shape);
  if (kind === "flatten") return { shape: [size(shape)], run: shape.length === 3 ? byChannel(shape) : (values) => values };
  demand(Object.hasOwn(ACTIVATIONS, kind), `it is of the unknown kind "${String(kind)}".`);
  for (const name of PARAMETERS[kind] ?? []) demand(Number.isFinite(spec[name]), `${kind} needs a number as its ${name}.`);
  return { shape, run: inPlace(ACTIVATIONS[kind](spec)) };
}

function inPlace(apply) {
  return (values) => {
    for (let i = 0; i < values.length; i++) values[i] = apply(values[i]);
    return values;
  };
}

function linear({ in: taken, out }, shape, take) {
  demand(isSize(taken) && isSize(out), "its sizes are not whole numbers above 0.");
  demand(shape.length === 1 && taken === shape[0], `it takes ${taken} numbers, but ${shape.join(" x ")} arrive.`);
  const matrix = makeMatrix(take(out * taken), take(out));
  const y = new Float32Array(out);
  return { shape: [out], work: taken * out, run: (x) => (multiply(matrix, x, 1, y, 0, 0), y) };
}

function convolution({ kind, in: cin, out, kernel, stride, padding, output_padding: extra = 0 }, shape, take) {
  demand([cin, out, kernel, stride].every(isSize), "its sizes are not whole numbers above 0.");
  demand(kernel <= WIDEST && stride <= WIDEST, `its kernel or its step is larger than ${WIDEST}.`);
  demand(isCount(padding), "its padding is no whole number.");
  demand(shape.length === 3 && shape[0] === cin, `it takes ${cin} channels, but ${shape.join(" x ")} numbers arrive.`);
  const across = [extra].flat();
  demand(across.every((more) => isCount(more) && more < stride) && across.length <= 2, "its output padding is not below its step.");
  const [high, wide] = shape.slice(1).map((length, axis) =>
    kind === "conv"
      ? Math.floor((length + 2 * padding - kernel) / stride) + 1
      : (length - 1) * stride - 2 * padding + kernel + across[axis % across.length]);
  demand(high > 0 && wide > 0 && out * high * wide <= MOST, `it gives an image of ${wide} x ${high} pixels.`);
  const work = out * high * wide * kernel * kernel * cin;
  demand(work <= MOST_WORK, `it needs ${work} multiplications.`);
  const phasesOf = kind === "conv" ? phasesOfConv : phasesOfTranspose;
  const rows = phasesOf(high, kernel, stride, padding);
  const columns = phasesOf(wide, kernel, stride, padding);
  const weight = take(out * kernel * kernel * cin);
  const bias = take(out);
  const parts = rows.flatMap((row) => columns.map((column) => makePart(row, column, { weight, bias, out, kernel, cin })));
  const y = new Float32Array(out * high * wide);
  const run = (x) => {
    for (const part of parts) runPart(part, x, shape, y, out, wide);
    return y;
  };
  return { shape: [out, high, wide], work, run };
}

// Places along an axis of the output that meet the same taps of the kernel: first, first + step, ... below `length`.
// The place of number n meets tap k at the place `at` + n * `ahead` of the input.
function phasesOfConv(length, kernel, stride, padding) {
  const taps = Array.from({ length: kernel }, (_, k) => ({ k, at: k - padding }));
  return [{ first: 0, step: 1, count: length, ahead: stride, taps }];
}

function phasesOfTranspose(length, kernel, stride, padding) {
  return Array.from({ length: Math.min(stride, length) }, (_, first) => {
    const met = Array.from({ length: kernel }, (_, k) => ({ k, at: (first + padding - k) / stride }));
    const taps = met.filter(({ at }) => Number.isInteger(at));
    return { first, step: stride, count: Math.ceil((length - first) / stride), ahead: 1, taps };
  });
}

// The matrix of one phase: its columns are the taps that it meets, each with all channels of the input.
function makePart(row, column, { weight, bias, out, kernel, cin }) {
  const depth = row.taps.length * column.taps.length * cin;
  const chosen = new Float32Array(out * depth);
  let to = 0;
  for (let o = 0; o < out; o++) {
    for (const { k: ky } of row.taps) {
      for (const { k: kx } of column.taps) {
        const from = ((o * kernel + ky) * kernel + kx) * cin;
        chosen.set(weight.subarray(from, from + cin), to);
        to += cin;
      }
    }
  }
  return { row, column, matrix: makeMatrix(chosen, bias), patches: new Float32Array(column.count * depth) };
}

// One line of the output after the other: what its pixels meet is laid side by side, and multiplied with the matrix.
function runPart({ row, column, matrix, patches }, x, [cin, height, width], y, out, wide) {
  for (let n = 0; n < row.count; n++) {
    let to = 0;
    for (let m = 0; m < column.count; m++) {
      for (const { at: up } of row.taps) {
        const line = up + n * row.ahead;
        for (const { at: left } of column.taps) {
          const place = left + m * column.ahead;
          const outside = line < 0 || line >= height || place < 0 || place >= width;
          const from = (line * width + place) * cin;
          for (let c = 0; c < cin; c++) patches[to++] = outside ? 0 : x[from + c];
        }
      }
    }
    const start = ((row.first + n * row.step) * wide + column.first) * out;
    multiply(matrix, patches, column.count, y, start, column.step * out);
  }
}

function unflatten({ shape: into }, shape) {
  demand(isShape(into) && into.length === 3, "its shape must be channels, height and width.");
  demand(size(into) === size(shape), `it cannot make ${into.join(" x ")} of ${shape.join(" x ")} numbers.`);
  return { shape: into, run: byPixel(into) };
}

// [c, h, w] -> [h, w, c]
export function byPixel([channels, height, width]) {
  const y = new Float32Array(channels * height * width);
  const pixels = height * width;
  return (x) => {
    for (let c = 0; c < channels; c++) for (let i = 0; i < pixels; i++) y[i * channels + c] = x[c * pixels + i];
    return y;
  };
}

// [h, w, c] -> [c, h, w]
export function byChannel([channels, height, width]) {
  const y = new Float32Array(channels * height * width);
  const pixels = height * width;
  return (x) => {
    for (let c = 0; c < channels; c++) for (let i = 0; i < pixels; i++) y[c * pixels + i] = x[i * channels + c];
    return y;
  };
}

export const isTooMuch = (work) => work > MOST_WORK;

export const size = (shape) => shape.reduce((a, b) => a * b, 1);

export const isSize = (value) => Number.isSafeInteger(value) && value > 0;

export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

export const isShape = (value) => Array.isArray(value) && value.every(isSize) && size(value) <= MOST;

export function demand(condition, sentence) {
  if (!condition) throw new Error(sentence);
}
