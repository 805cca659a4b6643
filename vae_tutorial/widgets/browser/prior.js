// Two scales for an axis of the prior N(0, 1): `place(value)` is how far along the axis a value stands, 0 to 1, and
// `value(place)` what stands there.

const TAIL = 0.02; // probability beyond each end of the axis in quantiles

// Equal steps: the axis of every slider.
export const inSteps = (span) => ({ place: (value) => (1 + value / span) / 2, value: (place) => (2 * place - 1) * span });

// Equal probability: as many draws of the prior fall into every part of the axis as into every other of its length.
export const inQuantiles = {
  place: (value) => (probability(value) - TAIL) / (1 - 2 * TAIL),
  value: (place) => quantile(TAIL + (1 - 2 * TAIL) * place),
};

// P(z < value): Abramowitz & Stegun 26.2.17, right to 1e-7.
function probability(value) {
  const t = 1 / (1 + 0.2316419 * Math.abs(value));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (series * Math.exp(-(value ** 2) / 2)) / Math.sqrt(2 * Math.PI);
  return value > 0 ? 1 - tail : tail;
}

// By halving: 30 times are enough for 1e-8.
function quantile(p) {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2;
    if (probability(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
