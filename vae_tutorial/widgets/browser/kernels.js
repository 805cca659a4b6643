// Kernels and the maximum mean discrepancy, as pure functions of numbers: no page, no randomness.

const SCALES = [0.1, 0.2, 0.5, 1, 2, 5, 10]; // Tolstikhin et al. 2018, in their code

// Kernels by name: value and slope are k and dk/d(r²) at a squared distance, total the sum of k over many of them. Each
// begins as k(0) (1 - r² / (2 width²)), so that one width means one thing; C = 2 width² is the paper's 2 d sigma_z² where
// width² = d sigma_z².
export const KERNELS = {
  rbf: {
    name: "RBF",
    most: 1,
    value: (squared, width) => Math.exp(-squared / (2 * width * width)),
    slope: (squared, width) => -Math.exp(-squared / (2 * width * width)) / (2 * width * width),
    total(squares, width) {
      let sum = 0;
      for (let i = 0; i < squares.length; i++) sum += Math.exp(-squares[i] / (2 * width * width));
      return sum;
    },
  },
  imq: inverse("IMQ", [1]),
  imq7: inverse("IMQ, sum of 7 scales", SCALES),
};

// The sum over scales of C / (C + r²).
function inverse(name, scales) {
  const over = (width, term) => scales.reduce((sum, scale) => sum + term(2 * width * width * scale), 0);
  return {
    name,
    most: scales.length,
    value: (squared, width) => over(width, (c) => c / (c + squared)),
    slope: (squared, width) => over(width, (c) => -c / (c + squared) ** 2),
    // One loop for each scale: a function called for each of a million pairs would make the page wait.
    total: (squares, width) => over(width, (c) => {
      let sum = 0;
      for (let i = 0; i < squares.length; i++) sum += c / (c + squares[i]);
      return sum;
    }),
  };
}

// The unbiased estimate of MMD² between points of the prior and codes, both x, y, x, y, ..., and its gradient by the codes.
export function mmd2(prior, codes, kernel, width) {
  const [m, n] = [prior.length / 2, codes.length / 2];
  const gradient = new Float64Array(codes.length);
  // Adds weight * k(a_i, codes_j) for every pair and tells the code of it; a pair of codes pulls at both.
  function add(points, i, j, weight) {
    const dx = codes[2 * j] - points[2 * i];
    const dy = codes[2 * j + 1] - points[2 * i + 1];
    const squared = dx * dx + dy * dy;
    const pull = 2 * weight * kernel.slope(squared, width);
    gradient[2 * j] += pull * dx;
    gradient[2 * j + 1] += pull * dy;
    if (points === codes) (gradient[2 * i] -= pull * dx), (gradient[2 * i + 1] -= pull * dy);
    return weight * kernel.value(squared, width);
  }
  let sum = meanOfPairs(prior, kernel, width);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < j; i++) sum += add(codes, i, j, 2 / (n * (n - 1)));
    for (let i = 0; i < m; i++) sum += add(prior, i, j, -2 / (m * n));
  }
  return { value: sum, gradient };
}

// The same estimate for codes moved along x by each of `shifts`.
export function mmd2Along(prior, codes, shifts, kernel, width) {
  const within = meanOfPairs(prior, kernel, width) + meanOfPairs(codes, kernel, width);
  const squares = new Float64Array((prior.length * codes.length) / 4);
  return shifts.map((shift) => {
    let at = 0;
    for (let j = 0; j < codes.length; j += 2) {
      for (let i = 0; i < prior.length; i += 2) {
        const [dx, dy] = [codes[j] + shift - prior[i], codes[j + 1] - prior[i + 1]];
        squares[at++] = dx * dx + dy * dy;
      }
    }
    return within - (2 * kernel.total(squares, width)) / squares.length;
  });
}

// The mean of k over pairs of different points.
function meanOfPairs(points, kernel, width) {
  const squares = [];
  for (let j = 0; j < points.length; j += 2) {
    for (let i = 0; i < j; i += 2) squares.push((points[j] - points[i]) ** 2 + (points[j + 1] - points[i + 1]) ** 2);
  }
  return kernel.total(squares, width) / squares.length;
}
