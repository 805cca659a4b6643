// Play: one latent swings to and fro over its slider's range.

import { hundredths, makeButton } from "./page.js";

const PERIOD = 6000; // milliseconds, to and fro
const PACE = 1000; // between the steps that are made instead of a motion, where people asked for less of it

// begin() tells that it starts and gives the value to start from, go(value) is called as time passes, rest() at its end.
// -> { element, stop(), call(name) }
export function makePlayer(span, { begin, go, rest }) {
  let name = "";
  let timer = 0;
  let frame = 0;
  const element = makeButton("Play", () => (playing() ? stop() : play()), { "aria-pressed": "false" });
  const playing = () => element.getAttribute("aria-pressed") === "true";

  function show(pressed) {
    element.setAttribute("aria-pressed", String(pressed));
    element.textContent = pressed ? "Stop" : `Play ${name}`;
  }

  function play() {
    const phase = Math.asin(Math.max(-1, Math.min(1, begin() / span)));
    const start = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    const step = () => {
      if (!element.isConnected) return stop();
      const turns = (performance.now() - start) / (still.matches ? 2 * PERIOD : PERIOD);
      go(hundredths(span * Math.sin(phase + 2 * Math.PI * turns)));
      if (still.matches) timer = setTimeout(step, PACE);
      else frame = requestAnimationFrame(step);
    };
    show(true);
    step();
  }

  function stop() {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    if (!playing()) return;
    show(false);
    rest();
  }

  return {
    element,
    stop,
    call(latent) {
      if (latent === name) return;
      name = latent;
      show(playing());
    },
  };
}
