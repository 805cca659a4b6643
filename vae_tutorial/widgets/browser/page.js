// Small parts that every widget is built of: elements, the picture, keys that belong to the widget.

// Text goes in as text, never as HTML.
export function make(tag, properties = {}, ...children) {
  const svg = tag === "svg" || properties.svg;
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "svg" || value === false || value === undefined) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

// image: c * h * w numbers in [0, 1], as decode.js gives them.
export function paint(canvas, image, [channels, height, width]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pixels = new ImageData(width, height);
  const size = width * height;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = 255 * image[channels === 3 ? c * size + i : i];
    pixels.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

// At most one drawing per frame, however many events there are; it reads the newest state when it runs.
export function oncePerFrame(draw) {
  let frame = 0;
  const ask = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  ask.cancel = () => cancelAnimationFrame(frame);
  return ask;
}

// JupyterLab's shortcuts listen above the cell, and to a slider too: "d d" would delete the cell, "0 0" offer to
// restart the kernel. Keys end here, but for those that people mean for the notebook or the browser.
export function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    const forTheNotebook = event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape";
    if (!forTheNotebook && !(event.shiftKey && event.key === "Enter")) event.stopPropagation();
  });
}

export const clamp = (value, span) => Math.min(span, Math.max(-span, value));

export const hundredths = (value) => Math.round(value * 100) / 100 || 0; // || 0: no "-0.00"

export const signed = (value) => value.toFixed(2).replace("-", "−");

export const percent = (value, span) => `${50 + (50 * value) / span}%`;

// N(0, 1), by Box and Muller.
export const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
