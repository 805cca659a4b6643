// Kernels and the maximum mean discrepancy, as pure functions of numbers: no page, no randomness.

const SCALES = [0.1, 0.2, 0.5, 1, 2, 5, 10]; // Tolstikhin et al. 2018, in their code

// Kernels by name: value and slope are k and dk/d(r²) at a squared distance. Each begins as k(0) (1 - r² / (2 width²)), so that
// one width means one thing; C = 2 width² is the paper's 2 d sigma_z² where width² = d sigma_z².
export const KERNELS = {
  rbf: {
    name: "RBF",
    most: 1,
    value: (squared, width) => Math.exp(-squared / (2 * width ** 2)),
    slope: (squared, width) => -Math.exp(-squared / (2 * width ** 2)) / (2 * width ** 2),
  },
  imq: {
    name: "IMQ",
    most: 1,
    value: (squared, width) => inverse(squared, 2 * width ** 2),
    slope: (squared, width) => slopeOfInverse(squared, 2 * width ** 2),
  },
  imq7: {
    name: "IMQ, sum of 7 scales",
    most: SCALES.length,
    value: (squared, width) => overScales(inverse, squared, 2 * width ** 2),
    slope: (squared, width) => overScales(slopeOfInverse, squared, 2 * width ** 2),
  },
};

const inverse = (squared, c) => c / (c + squared);
const slopeOfInverse = (squared, c) => -c / (c + squared) ** 2;

function overScales(term, squared, c) {
  let sum = 0;
  for (let i = 0; i < SCALES.length; i++) sum += term(squared, SCALES[i] * c);
  return sum;
}

// The unbiased estimate of MMD² between points of the prior and codes, both x, y, x, y, ..., and its gradient by the codes.
export function mmd2(prior, codes, { value, slope }, width) {
  const [m, n] = [prior.length / 2, codes.length / 2];
  const gradient = new Float64Array(codes.length);
  // Adds weight * k(a_i, codes_j) for every pair and tells the code of it; a pair of codes pulls at both.
  function add(points, i, j, weight) {
    const dx = codes[2 * j] - points[2 * i];
    const dy = codes[2 * j + 1] - points[2 * i + 1];
    const squared = dx * dx + dy * dy;
    const pull = 2 * weight * slope(squared, width);
    gradient[2 * j] += pull * dx;
    gradient[2 * j + 1] += pull * dy;
    if (points === codes) (gradient[2 * i] -= pull * dx), (gradient[2 * i + 1] -= pull * dy);
    return weight * value(squared, width);
  }
  let sum = meanOfPairs(prior, value, width);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < j; i++) sum += add(codes, i, j, 2 / (n * (n - 1)));
    for (let i = 0; i < m; i++) sum += add(prior, i, j, -2 / (m * n));
  }
  return { value: sum, gradient };
}

// The same estimate for codes moved along x by each of `shifts`.
export function mmd2Along(prior, codes, shifts, { value }, width) {
  const within = meanOfPairs(prior, value, width) + meanOfPairs(codes, value, width);
  const weight = 8 / (prior.length * codes.length);
  return shifts.map((shift) => {
    let across = 0;
    for (let j = 0; j < codes.length; j += 2) {
      for (let i = 0; i < prior.length; i += 2) {
        across += value((codes[j] + shift - prior[i]) ** 2 + (codes[j + 1] - prior[i + 1]) ** 2, width);
      }
    }
    return within - weight * across;
  });
}

// The mean of k over pairs of different points.
function meanOfPairs(points, value, width) {
  let sum = 0;
  for (let j = 0; j < points.length; j += 2) {
    for (let i = 0; i < j; i += 2) sum += value((points[j] - points[i]) ** 2 + (points[j + 1] - points[i + 1]) ** 2, width);
  }
  return (8 * sum) / (points.length * (points.length - 2));
}
