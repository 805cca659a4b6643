// Where pictures come from: a decoder in the page, or the kernel for one that only torch can run. Both answer alike.

import { atRest } from "./page.js";

const SLICE = 6; // milliseconds of decoding at a time: a hand that moves again need not wait for all of a series
const PER_QUESTION = 256; // codes in one question: the kernel answers no more

// -> { picture(z, label, show), row(codes, label, show), series(codes, label, show), stop() }: `show(image)` for one code
// and `show(i, image)` for each of a few, at once where the page decodes; `show(i, image)` for each of many, once the
// hand rests. A label is a class, null, or a list of one per code. Only the newest request of each kind is answered.
export function makeSource(decoder, host, say = () => {}) {
  return decoder.kernel === undefined ? inThePage(decoder) : inTheKernel(decoder, host, say);
}

const labelOf = (label, i) => (Array.isArray(label) ? label[i] : label);

function inThePage({ decode }) {
  let timer = 0;
  const series = atRest((codes, label, show) => {
    let i = 0;
    const next = () => {
      const end = performance.now() + SLICE;
      do show(i, decode(codes[i], labelOf(label, i)));
      while (++i < codes.length && performance.now() < end);
      if (i < codes.length) timer = setTimeout(next);
    };
    if (codes.length) next();
  });
  return {
    picture: (z, label, show) => show(decode(z, label)),
    row: (codes, label, show) => codes.forEach((z, i) => show(i, decode(z, labelOf(label, i)))),
    series(codes, label, show) {
      clearTimeout(timer);
      series(codes, label, show);
    },
    stop() {
      clearTimeout(timer);
      series.cancel();
    },
  };
}

// One request on its way, and of those that wait the newest alone: a busy kernel is not flooded with stale ones.
function inTheKernel({ kernel, imageShape }, host, say) {
  const size = imageShape.reduce((a, b) => a * b);
  const waiting = new Map();
  let asked = false;
  let stopped = false;
  let slow = 0;
  async function next() {
    const [kind, job] = waiting.entries().next().value ?? [];
    if (asked || stopped || kind === undefined) return;
    waiting.delete(kind);
    asked = true;
    slow = setTimeout(() => say("Waiting for the kernel, which this decoder needs"), 1000);
    try {
      await answer(kind, job);
    } catch (error) {
      if (!stopped) say(`The kernel cannot decode this: ${error.message}`);
    }
    clearTimeout(slow);
    asked = false;
    next();
  }
  // What has come is shown even if a newer request waits: a hand that never rests would see nothing otherwise.
  async function answer(kind, job) {
    const { codes, label, show, from } = job;
    const to = from + PER_QUESTION;
    const labels = Array.isArray(label) ? label.slice(from, to) : label;
    const bytes = await host.ask({ model: kernel, codes: codes.slice(from, to), label: labels }, () => !stopped);
    if (stopped || bytes === null) return;
    cut(bytes, size).forEach((image, i) => show(from + i, image));
    if (to < codes.length && !waiting.has(kind)) waiting.set(kind, { ...job, from: to });
  }
  const ask = (kind, codes, label, show) => {
    if (codes.length === 0) return;
    waiting.set(kind, { codes, label, show, from: 0 });
    next();
  };
  const series = atRest((...job) => ask("series", ...job));
  return {
    picture: (z, label, show) => ask("picture", [z], label, (_, image) => show(image)),
    row: (...job) => ask("row", ...job),
    series,
    stop() {
      stopped = true;
      clearTimeout(slow);
      series.cancel();
    },
  };
}

const cut = (bytes, size) => Array.from({ length: bytes.length / size }, (_, i) =>
  Float32Array.from(bytes.subarray(i * size, (i + 1) * size), (byte) => byte / 255));
