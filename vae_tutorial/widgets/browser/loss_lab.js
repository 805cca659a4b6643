// The loss laboratory: what three losses charge for one pixel, how steep they are, and what the KL charges for one latent.

import { makeChart, makeLegend, told } from "./chart.js";
import { makeKnobs } from "./knobs.js";
import { sigmoid } from "./network.js";
import { atRest, make, oncePerFrame } from "./page.js";

const residual = (logit, x) => sigmoid(logit) - x;
const slopeOfSigmoid = (logit) => sigmoid(logit) * sigmoid(-logit);

// The package's likelihoods for one pixel x in [0, 1], and their derivatives by the logit: f(logit, x, sigma).
export const pixelLosses = [
  {
    name: "BCE",
    cost: (logit, x) => Math.max(logit, 0) - x * logit + Math.log1p(Math.exp(-Math.abs(logit))),
    slope: residual,
  },
  {
    name: "Gaussian",
    cost: (logit, x, sigma) => residual(logit, x) ** 2 / (2 * sigma ** 2) + Math.log(2 * Math.PI * sigma ** 2) / 2,
    slope: (logit, x, sigma) => (residual(logit, x) * slopeOfSigmoid(logit)) / sigma ** 2,
  },
  {
    name: "squared error",
    cost: (logit, x) => residual(logit, x) ** 2,
    slope: (logit, x) => 2 * residual(logit, x) * slopeOfSigmoid(logit),
  },
];

// KL(N(mu, exp(logvar)) || N(0, 1)) in nats, and its derivatives. expm1 keeps the digits that exp - 1 loses near 0.
export const latentKl = (mu, logvar) => ({
  kl: (mu ** 2 + Math.expm1(logvar) - logvar) / 2,
  byMu: mu,
  byLogvar: Math.expm1(logvar) / 2,
});

const density = (z, mu, logvar) => Math.exp(-((z - mu) ** 2) / (2 * Math.exp(logvar))) / Math.sqrt(2 * Math.PI * Math.exp(logvar));

const evenly = (low, high, count) => Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

const LOGITS = evenly(-6, 6, 241);
const CODES = evenly(-5, 5, 401);
const NAMES = pixelLosses.map(({ name }) => name);
const SENTENCE = "One pixel and one latent: move a slider and see what each loss charges, and how hard it pulls.";

export function makeLossLab(scene, host) {
  const draw = oncePerFrame(redraw);
  const say = atRest((words) => (status.textContent = words), 300);
  const { values, rows, reset } = makeKnobs(scene.knobs, host.id, draw);
  const logit = { label: "logit", min: -6, max: 6 };
  const cost = makeChart({ name: "Cost of the pixel", lines: NAMES, x: logit, y: { label: "cost" } });
  const slope = makeChart({ name: "Gradient by the logit", lines: NAMES, x: logit, y: { label: "d cost / d logit" } });
  const code = makeChart({ name: "Prior and posterior of the latent", lines: ["prior p(z)", "posterior q(z|x)"], filled: true,
    x: { label: "z", min: -5, max: 5 }, y: { label: "density" } });
  const numbers = makeLegend(["KL(q ‖ p)", "dKL / dμ", "dKL / d log σ²"], () => "");
  const status = make("p", { class: "vx-status vx-unseen", role: "status" });

  function redraw() {
    const { x, logit: at, sigma, mu, logvar } = values;
    const series = (kind, tell) => pixelLosses.map((loss) => ({
      points: LOGITS.map((l) => [l, loss[kind](l, x, sigma)]),
      at: [at, loss[kind](at, x, sigma)],
      told: tell(told(loss[kind](at, x, sigma)), loss.name),
    }));
    cost.draw({ y: [-2.5, 7], guide: at, series: series("cost", (value, name) => (name === "squared error" ? value : `${value} nats`)) });
    slope.draw({ y: [-1.5, 1.5], guide: at, series: series("slope", (value) => value) });
    const curve = (m, v) => ({
      points: CODES.map((z) => [z, density(z, m, v)]),
      at: [m, density(m, m, v)],
      told: `μ ${told(m, 2)}, σ ${told(Math.exp(v / 2), 2)}`,
    });
    code.draw({ y: [0, 1.1 * Math.max(0.5, density(mu, mu, logvar))], series: [curve(0, 0), curve(mu, logvar)] });
    const { kl, byMu, byLogvar } = latentKl(mu, logvar);
    numbers.show([`${told(kl)} nats`, told(byMu), told(byLogvar)]);
    const each = pixelLosses.map(({ name, cost, slope }) => `${name} ${told(cost(at, x, sigma), 2)}, gradient ${told(slope(at, x, sigma), 2)}`);
    say(`${each.join("; ")}. KL ${told(kl, 2)} nats`);
  }

  const pixel = make("section", { class: "vx-lab-part vx-lab-wide", "aria-label": "One pixel" },
    make("div", { class: "vx-knobs" }, rows.x, rows.logit, rows.sigma), make("div", { class: "vx-charts" }, cost.element, slope.element));
  const latent = make("section", { class: "vx-lab-part", "aria-label": "One latent" },
    make("div", { class: "vx-knobs" }, rows.mu, rows.logvar), make("div", { class: "vx-charts" }, code.element), numbers.element);
  return {
    element: make("div", { class: "vx-stage vx-lab" },
      make("p", { class: "vx-sentence" }, SENTENCE), pixel, latent, make("div", { class: "vx-lab-foot" }, reset, status)),
    fits: () => false,
    show: redraw,
    stop: () => [draw, say].forEach((part) => part.cancel()),
  };
}
