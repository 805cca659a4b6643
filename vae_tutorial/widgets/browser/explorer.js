// The latent explorer: picture, sliders and, for two latents, the map. It gets a scene (see explorer.py) and sends
// nothing back.

import { decode, readNetwork } from "./decode.js";
import { clamp, hundredths, keepKeys, make, normal, oncePerFrame, paint, signed } from "./page.js";
import { makePad } from "./pad.js";
import { makeSliders } from "./sliders.js";

const BY_KL = "Drag a latent: the decoder redraws its picture. Sorted by KL; the band is the prior's ±1 σ.";
const ON_A_MAP = "Drag over the map or a slider: the decoder redraws. Rings: the prior's 1 and 2 σ.";
const AS_THEY_ARE = "Drag a latent: the decoder redraws its picture. The band is the prior's ±1 σ.";

// -> { show(scene), stop() }
export function makeExplorer(element) {
  const root = make("div", { class: "vx", role: "group", "aria-label": "Latent explorer" });
  keepKeys(root);
  element.append(root);
  let stage = null;
  return {
    show(scene) {
      try {
        const network = readNetwork(scene?.network);
        if (!stage?.fits(network, scene)) {
          stage?.stop();
          stage = makeStage(network, scene);
          root.replaceChildren(stage.element);
        }
        stage.show(network, scene);
      } catch (error) {
        stage?.stop();
        stage = null;
        root.replaceChildren(make("p", { class: "vx-problem", role: "alert" }, `The explorer cannot be drawn: ${error.message}`));
      }
    },
    stop: () => stage?.stop(),
  };
}

// What stays in place while weights come and go; only another number of latents or another span needs a new one.
function makeStage(network, { span }) {
  const id = `vx${Math.random().toString(36).slice(2)}`;
  let z = new Array(network.z_dim).fill(0);
  const canvas = make("canvas", { class: "vx-picture", role: "img", "aria-label": "The decoder's mean image" });
  const status = make("p", { class: "vx-status", role: "status" });
  const sentence = make("p", { class: "vx-sentence" });
  const draw = oncePerFrame(() => {
    paint(canvas, decode(network, z), network.image_shape);
    canvas.dataset.z = z.map((value) => value.toFixed(2)).join(" ");
  });
  const say = makeTeller(status);

  function move(next, words) {
    z = next;
    sliders.show(z);
    pad?.show(z);
    draw();
    say(words, z);
  }
  const button = (text, press) => {
    const node = make("button", { type: "button" }, text);
    node.addEventListener("click", press);
    return node;
  };
  const sliders = makeSliders(network.z_dim, span, id, (latent, value) => move(z.with(latent, value), `z[${latent}] = ${signed(value)}`));
  const pad = network.z_dim === 2 ? makePad(span, (...pair) => move(pair, `z = (${pair.map(signed).join(", ")})`)) : null;
  const random = () => z.map(() => clamp(hundredths(normal()), span));
  const buttons = make("div", { class: "vx-buttons" },
    button("Random z", () => move(random(), "Drawn from the prior")),
    button("Reset", () => move(z.map(() => 0), "All latents at 0")));
  const left = make("div", { class: "vx-left" }, canvas, buttons, status);
  const right = make("div", { class: "vx-right" }, sentence, sliders.element);

  return {
    element: make("div", { class: pad ? "vx-stage vx-flat" : "vx-stage", style: `--vx-span: ${span}` }, left, ...(pad ? [pad.element] : []), right),
    fits: (other, scene) => other.z_dim === network.z_dim && scene.span === span,
    show(latest, scene) {
      network = latest;
      sentence.textContent = pad ? ON_A_MAP : scene.kl ? BY_KL : AS_THEY_ARE;
      sliders.arrange(scene.order, scene.kl);
      pad?.scatter(scene.codes);
      move(z, "The model as it is now");
    },
    stop() {
      draw.cancel();
      say.cancel();
    },
  };
}

// A line for eyes and screen readers, once the hand rests: what was done, and how usual the code is under the prior.
function makeTeller(status) {
  let timer = 0;
  const say = (words, z) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const length = Math.hypot(...z).toFixed(1);
      status.textContent = `${words}. |z| = ${length} (prior: about ${Math.sqrt(z.length).toFixed(1)})`;
    }, 150);
  };
  say.cancel = () => clearTimeout(timer);
  return say;
}

function render({ model, el }) {
  const explorer = makeExplorer(el);
  const show = () => explorer.show(model.get("scene"));
  model.on("change:scene", show);
  show();
  return () => {
    model.off("change:scene", show);
    explorer.stop();
  };
}

export default { render };
