// Small parts that every widget is built of: elements, keys that belong to the widget, numbers for people.

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

export const drawing = (tag, properties, ...children) => make(tag, { svg: true, ...properties }, ...children);

export function makeButton(words, press, properties = {}) {
  const button = make("button", { type: "button", ...properties }, words);
  button.addEventListener("click", press);
  return button;
}

// A menu of choices [[value, words]] with its name. -> { element, input }; choose(value) is called for every choice.
export function makeMenu(name, choices, choose) {
  const input = make("select", {}, ...choices.map(([value, words]) => make("option", { value }, words)));
  input.addEventListener("change", () => choose(input.value));
  return { element: make("label", { class: "vx-menu" }, name, input), input };
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

// Runs once the hand rests: after `wait` milliseconds without another call, with the arguments of the last one.
export function atRest(run, wait = 150) {
  let timer = 0;
  const ask = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...values), wait);
  };
  ask.cancel = () => clearTimeout(timer);
  return ask;
}

// The notebook's shortcuts listen above the cell, and to a slider too: "d d" would delete the cell, "0 0" offer to
// restart the kernel. Keys end here, but for those that people mean for the notebook or the browser. JupyterLab listens
// while events rise; Notebook 7 hears them before any element does, and asks the element for this attribute.
// -> a function that ends it
export function keepKeys(root) {
  const ours = (event) => {
    const forTheNotebook = event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape";
    return !forTheNotebook && !(event.shiftKey && event.key === "Enter");
  };
  const mark = (event) => {
    if (!root.contains(event.target)) return;
    if (ours(event)) event.target.setAttribute("data-lm-suppress-shortcuts", "true");
    else event.target.removeAttribute("data-lm-suppress-shortcuts");
  };
  window.addEventListener("keydown", mark, true);
  root.addEventListener("keydown", (event) => ours(event) && event.stopPropagation());
  return () => window.removeEventListener("keydown", mark, true);
}

export const uniqueId = () => `vx${Math.random().toString(36).slice(2)}`;

export const clamp = (value, span) => Math.min(span, Math.max(-span, value));

export const hundredths = (value) => Math.round(value * 100) / 100 || 0; // || 0: no "-0.00"

export const signed = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

export const percent = (value, span) => `${50 + (50 * value) / span}%`;

// N(0, 1), by Box and Muller.
export const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
