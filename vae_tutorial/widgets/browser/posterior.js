// The posterior of one image: for the latents of the highest KL, the mean with one sigma to both sides, and the numbers.

import { clamp, hundredths, make, percent, signed } from "./page.js";

const ROWS = 8;
const SPAN = 3;

// The KL to the prior of each latent, in nats.
export const klTerms = ({ mu, logvar }) => mu.map((m, i) => (m * m + Math.expm1(logvar[i]) - logvar[i]) / 2);

// order: latents, most informative first. -> { element, show(posterior, or null for none) }
export function makePosterior(order) {
  const rows = order.slice(0, ROWS).map((latent) => ({ latent, ...makePosteriorRow(latent) }));
  return {
    element: make("div", { class: "vx-rows vx-read", role: "group", "aria-label": "Posterior" },
      makeRuler(), ...rows.map(({ element }) => element)),
    show(posterior) {
      const terms = posterior && klTerms(posterior);
      const most = posterior && Math.max(0.01, ...terms);
      for (const { latent, show } of rows) {
        if (posterior) show(posterior.mu[latent], Math.exp(posterior.logvar[latent] / 2), terms[latent], most);
        else show();
      }
    },
  };
}

function makePosteriorRow(latent) {
  const nats = make("span", { class: "vx-kl" });
  const mark = make("span", { class: "vx-posterior" });
  const value = make("span", { class: "vx-value" });
  const name = make("span", { class: "vx-latent" }, `z[${latent}]`);
  return {
    element: make("div", { class: "vx-row" }, name, nats, make("div", { class: "vx-track" }, mark), value),
    show(mu, sigma, kl, most) {
      mark.hidden = mu === undefined;
      nats.textContent = mark.hidden ? "" : `${kl.toFixed(2)} nats`;
      nats.style.setProperty("--part", mark.hidden ? 0 : kl / most);
      value.textContent = mark.hidden ? "" : `${signed(hundredths(mu))} ± ${sigma.toFixed(2)}`;
      if (mark.hidden) return;
      mark.style.left = percent(clamp(mu, SPAN), SPAN);
      mark.style.setProperty("--sigma", `${(50 * sigma) / SPAN}cqw`);
    },
  };
}

function makeRuler() {
  const marks = [-3, -2, -1, 0, 1, 2, 3].map((at) => make("span", { style: `left: ${percent(at, SPAN)}` }, String(at).replace("-", "−")));
  return make("div", { class: "vx-row vx-scale", "aria-hidden": "true" }, make("span"), make("span"),
    make("div", { class: "vx-track" }, ...marks), make("span", { class: "vx-value" }, "μ ± σ"));
}
