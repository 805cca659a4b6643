// Products of a matrix and some vectors, for all layers that have weights: where the time goes.

const LANES = 4; // outputs computed together: each input is read once for all of them, and no sum waits for another

// weight: [out, depth] row by row; bias: [out]. The rows are laid in blocks of LANES, the last one filled with zeros.
export function makeMatrix(weight, bias) {
  const out = bias.length;
  const depth = weight.length / out;
  if (out === 1) return { out, depth, weight, bias };
  const blocks = Math.ceil(out / LANES);
  const laid = new Float32Array(blocks * LANES * depth);
  for (let row = 0; row < out; row++) {
    const start = (row - (row % LANES)) * depth + (row % LANES);
    for (let i = 0; i < depth; i++) laid[start + i * LANES] = weight[row * depth + i];
  }
  const filled = new Float32Array(blocks * LANES);
  filled.set(bias);
  return { out, depth, weight: laid, bias: filled };
}

// x: `count` vectors, one behind the other. The outputs of vector n are written to y from start + n * step on.
export function multiply(matrix, x, count, y, start, step) {
  let n = 0;
  if (matrix.out === 1) for (; n < count; n++) y[start + n * step] = matrix.bias[0] + sumOfProducts(matrix, x, n * matrix.depth);
  for (; n + 1 < count; n += 2) two(matrix, x, n * matrix.depth, y, start + n * step, step);
  if (n < count) one(matrix, x, n * matrix.depth, y, start + n * step);
}

// The last layer of a grey image has one output: four parts of its sum take the place of four outputs.
function sumOfProducts({ depth, weight }, x, from) {
  let a = 0, b = 0, c = 0, d = 0;
  let i = 0;
  for (; i + 3 < depth; i += 4) {
    a += x[from + i] * weight[i];
    b += x[from + i + 1] * weight[i + 1];
    c += x[from + i + 2] * weight[i + 2];
    d += x[from + i + 3] * weight[i + 3];
  }
  for (; i < depth; i++) a += x[from + i] * weight[i];
  return a + b + c + d;
}

function one({ out, depth, weight, bias }, x, from, y, to) {
  let w = 0;
  for (let first = 0; first < out; first += LANES) {
    let a = bias[first], b = bias[first + 1], c = bias[first + 2], d = bias[first + 3];
    for (let i = from, end = from + depth; i < end; i++, w += LANES) {
      const v = x[i];
      a += v * weight[w];
      b += v * weight[w + 1];
      c += v * weight[w + 2];
      d += v * weight[w + 3];
    }
    write(y, to + first, out - first, a, b, c, d);
  }
}

// Two vectors at a time read each weight once for both.
function two({ out, depth, weight, bias }, x, from, y, to, step) {
  let w = 0;
  for (let first = 0; first < out; first += LANES) {
    let a = bias[first], b = bias[first + 1], c = bias[first + 2], d = bias[first + 3];
    let e = a, f = b, g = c, h = d;
    for (let i = from, j = from + depth, end = from + depth; i < end; i++, j++, w += LANES) {
      const u = x[i], v = x[j];
      const w0 = weight[w], w1 = weight[w + 1], w2 = weight[w + 2], w3 = weight[w + 3];
      a += u * w0, b += u * w1, c += u * w2, d += u * w3;
      e += v * w0, f += v * w1, g += v * w2, h += v * w3;
    }
    write(y, to + first, out - first, a, b, c, d);
    write(y, to + step + first, out - first, e, f, g, h);
  }
}

function write(y, at, left, a, b, c, d) {
  y[at] = a;
  if (left > 1) y[at + 1] = b;
  if (left > 2) y[at + 2] = c;
  if (left > 3) y[at + 3] = d;
}
