// The dials through stored runs: one for each setting, and which run has the settings at which they stand.

import { told } from "./chart.js";
import { makeKnob } from "./dial.js";
import { make } from "./page.js";

const [NARROWEST, LETTER] = [250, 8]; // pixels of a dial and of a letter under it

// knobs: [{ name, stops, at }]; turned() is called for every turn. The runs are one for each combination of stops, those
// of the last knob following one another. -> { element, run(): the number of the present one, words(): its settings }
export function makeSettings(knobs, id, turned) {
  const places = knobs.map(({ at }) => at);
  const dials = knobs.map(({ name, stops }, k) => makeKnob(name, stops, `${id}-${k}`, (i) => turn(k, i)));
  function turn(k, i) {
    places[k] = i;
    dials[k].show(i);
    turned();
  }
  dials.forEach((dial, k) => {
    const { stops } = knobs[k];
    const widest = LETTER * Math.max(...stops.map((words) => words.length));
    dial.element.classList.toggle("vx-crowded", widest * stops.length > NARROWEST);
    dial.element.style.setProperty("--vx-widest", `${widest}px`);
    dial.show(places[k]);
  });
  return {
    element: make("div", { class: "vx-lab-part vx-settings", role: "group", "aria-label": "Settings" }, ...dials.map(({ element }) => element)),
    run: () => places.reduce((at, place, k) => at * knobs[k].stops.length + place, 0),
    words: () => dials.map((dial, k) => dial.words(places[k])).join(", "),
  };
}

// Four digits where a number is of common size.
export const digitsOf = (value) => told(value, Math.min(3, Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))))));
