// Play: one latent swings to and fro over its slider's range.

import { hundredths, makeButton } from "./page.js";

const PERIOD = 6000; // milliseconds, to and fro
const PACE = 1000; // between the steps that are made instead of a motion, where people asked for less of it

// go(value) is called as time passes, start() gives the value to start from. -> { element, stop() }
export function makePlayer(span, startFrom, go) {
  let timer = 0;
  let frame = 0;
  const element = makeButton("Play", () => (element.getAttribute("aria-pressed") === "true" ? stop() : play()), { "aria-pressed": "false" });

  function play() {
    element.setAttribute("aria-pressed", "true");
    element.textContent = "Stop";
    const phase = Math.asin(Math.max(-1, Math.min(1, startFrom() / span)));
    const begin = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const step = () => {
      if (!element.isConnected) return stop();
      go(hundredths(span * Math.sin(phase + (2 * Math.PI * (performance.now() - begin)) / (still.matches ? 2 : 1) / PERIOD)));
      if (still.matches) timer = setTimeout(step, PACE);
      else frame = requestAnimationFrame(step);
    };
    step();
  }

  function stop() {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    element.setAttribute("aria-pressed", "false");
    element.textContent = "Play";
  }

  return { element, stop };
}
