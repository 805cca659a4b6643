// Sliders for the quantities of a laboratory, as its scene lists them: name, label, range, start.

import { make, makeButton } from "./page.js";
import { makeSlider } from "./sliders.js";

// specs: [{ name, label, min, max, step, value, log }], where a `log` slider moves the power of ten of its value.
// change(name) is called for every move. -> { values: { name: value }, rows: { name: element }, reset }
export function makeKnobs(specs, id, change) {
  const values = {};
  const rows = {};
  const homes = specs.map((spec) => {
    const { name, label, min, max, step, value, log = false } = spec;
    const words = log ? (power) => (10 ** power).toPrecision(3).replace(/\.?0+$/, "") : undefined;
    const range = { min, max, step, home: value };
    const slider = makeSlider({ id: `${id}-${name}`, range, name: label, words }, put);
    function put(place) {
      slider.show(place);
      values[name] = log ? 10 ** Number(slider.input.value) : Number(slider.input.value);
      change(name);
    }
    slider.show(value);
    values[name] = log ? 10 ** value : value;
    rows[name] = make("div", { class: "vx-row vx-knob" }, slider.label, make("div", { class: "vx-track" }, slider.input), slider.output);
    return () => put(value);
  });
  const reset = makeButton("Reset", () => homes.forEach((home) => home()));
  return { values, rows, reset };
}
