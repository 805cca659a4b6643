// Strokes of a pen as an image, as MNIST's digits are: white on black, two to three of 28 pixels thick, with a soft edge.
// A stroke is a list of points [x, y] in pixels of the image, (0, 0) at its top left corner.

const FIELD = 28; // pixels along the side of an image of MNIST, for which these are made:
const THICK = 2.4;
const BOX = 20; // the longer side of its digits
const LARGEST = 4; // a dot is not blown up to a digit

const unitOf = ([, height, width]) => Math.min(height, width) / FIELD;
const radiusOf = (shape) => Math.max(0.6, (THICK / 2) * unitOf(shape));

// -> numbers in [0, 1], row by row, the same in every channel
export function renderInk(strokes, shape) {
  const [channels, height, width] = shape;
  const image = new Float32Array(channels * height * width);
  const radius = radiusOf(shape);
  for (const stroke of strokes) {
    stroke.forEach((to, i) => paintLine(image, width, height, stroke[Math.max(0, i - 1)], to, radius));
  }
  for (let c = 1; c < channels; c++) image.copyWithin(c * height * width, 0, height * width);
  return image;
}

// Every pixel near the line is as bright as the brush covers it; crossing strokes are no brighter.
function paintLine(image, width, height, [ax, ay], [bx, by], radius) {
  const reach = radius + 0.5;
  const first = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - reach));
  const last = (a, b, size) => Math.min(size - 1, Math.floor(Math.max(a, b) + reach));
  const [dx, dy] = [bx - ax, by - ay];
  const squared = dx * dx + dy * dy;
  for (let row = first(ay, by); row <= last(ay, by, height); row++) {
    for (let column = first(ax, bx); column <= last(ax, bx, width); column++) {
      const [px, py] = [column + 0.5 - ax, row + 0.5 - ay];
      const part = squared ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
      const cover = Math.min(1, reach - Math.hypot(px - part * dx, py - part * dy));
      const at = row * width + column;
      if (cover > image[at]) image[at] = cover;
    }
  }
}

// The strokes as MNIST would have them: the longer side of the digit is 20 of 28 pixels, its centre of mass in the middle.
export function normalise(strokes, shape) {
  const points = strokes.flat();
  if (!points.length) return strokes;
  const [, height, width] = shape;
  const range = (axis) => points.reduce(([low, high], point) => [Math.min(low, point[axis]), Math.max(high, point[axis])], [Infinity, -Infinity]);
  const [[left, right], [top, bottom]] = [range(0), range(1)];
  const longer = Math.max(right - left, bottom - top);
  const scale = Math.min(LARGEST, (BOX * unitOf(shape) - 2 * radiusOf(shape)) / longer);
  const move = (list, x, y, times) => list.map((stroke) =>
    stroke.map((point) => [width / 2 + times * (point[0] - x), height / 2 + times * (point[1] - y)]));
  const scaled = move(strokes, (left + right) / 2, (top + bottom) / 2, scale);
  const [x, y] = centreOfMass(renderInk(scaled, [1, height, width]), width);
  return move(scaled, x, y, 1);
}

export function centreOfMass(image, width) {
  let [mass, x, y] = [0, 0, 0];
  image.forEach((value, i) => {
    mass += value;
    x += value * ((i % width) + 0.5);
    y += value * (Math.floor(i / width) + 0.5);
  });
  return [x / mass, y / mass];
}
