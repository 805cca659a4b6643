// The latent explorer: one slider per latent and the picture that the decoder makes of them, with a traversal strip,
// real images to start from, a map of any two latents, and classes for a conditional model.

import { makeClasses } from "./classes.js";
import { makeGallery } from "./gallery.js";
import { makeHistory } from "./history.js";
import { readDecoder } from "./network.js";
import { makePad } from "./pad.js";
import { atRest, clamp, hundredths, make, makeButton, normal, oncePerFrame, signed } from "./page.js";
import { makePlayer } from "./player.js";
import { makeSliders } from "./sliders.js";
import { makeSource } from "./source.js";
import { makeStrip } from "./strip.js";
import { makeTools } from "./tools.js";
import { makeView } from "./view.js";

const BY_KL = "Drag a latent: the decoder redraws its picture. Sorted by KL; the band is the prior's ±1 σ.";
const ON_A_MAP = "Drag over the map or a slider: the decoder redraws. Rings: the prior's 1 and 2 σ.";
const AS_THEY_ARE = "Drag a latent: the decoder redraws its picture. The band is the prior's ±1 σ.";

// What stays in place while weights come and go; other sizes or other images need a new one.
export function makeExplorer(scene, host) {
  const { zDim, nClasses, imageShape } = readDecoder(scene.decoder);
  const { span } = scene;
  let z = new Array(zDim).fill(0);
  let label = nClasses ? 0 : null;
  let latent = scene.order[0]; // the one that the strip shows and Play swings
  let ofImage = false; // whether the code is that of a real image, or between two
  let source = null;
  let version = 0;

  // The parts tell of hands, in the functions below; `refresh` shows them all the code.
  const view = makeView(imageShape, recolour);
  const status = makeStatus(zDim);
  const sliders = makeSliders(zDim, span, host.id, moveLatent);
  const pad = makePad(zDim, span, moveOnMap);
  const strip = makeStrip(imageShape, span, { series: (...job) => source.series(...job) }, moveLatent);
  const gallery = scene.examples && makeGallery(scene.examples, imageShape, host.id, showImage);
  const classes = nClasses ? makeClasses(nClasses, (y) => move({ label: y }, `Class ${y}`, "class")) : null;
  const player = makePlayer(span, () => z[latent], (value) => put({ z: z.with(latent, value) }, `z[${latent}] swings`));
  const history = makeHistory((pose) => (letGo(), put(pose, "Undone")));
  const random = () => z.map(() => clamp(hundredths(normal()), span));
  const buttons = [
    makeButton("Random z", () => move({ z: random() }, "Drawn from the prior")),
    makeButton("Reset", () => move({ z: z.map(() => 0) }, "All latents at 0")),
    player.element, history.element,
  ];
  const tools = [view.menu, ...makeTools(() => ({ z, label }), view.picture, (words) => status.say(words, z))];
  const draw = oncePerFrame(() => source.picture(z, label, (image) => view.paint(image, z)));

  function refresh(words) {
    sliders.show(z);
    pad.show(z);
    classes?.show(label);
    draw();
    strip.follow(latent, z, label, view.map(), version);
    status.say(words, z);
  }
  // Every change of the code that is made here comes through this function.
  function put(pose, words) {
    ({ z, label } = { z, label, ...pose });
    refresh(words);
    host.tell({ z, label });
  }
  // A change by hand. Those of one `kind` in quick succession are undone together.
  function move(pose, words, kind) {
    letGo();
    history.keep({ z, label }, kind);
    put(pose, words);
  }
  function moveLatent(i, value) {
    latent = i;
    move({ z: z.with(i, value) }, `z[${i}] = ${signed(value)}`, i);
  }
  function moveOnMap(values) {
    const words = Object.entries(values).map(([i, value]) => `z[${i}] = ${signed(value)}`).join(", ");
    move({ z: z.map((value, i) => values[i] ?? value) }, words, "map");
  }
  function showImage({ index, image, mu, sigma, label: its }, words) {
    player.stop();
    history.keep({ z, label }, "image");
    ofImage = true;
    sliders.mark(index === null ? null : { mu, sigma });
    view.hold(image ?? null);
    put({ z: mu.map((value) => clamp(hundredths(value), span)), label: nClasses && its !== null ? its : label }, words);
  }
  // Play ends, and the code is no longer that of an image.
  function letGo() {
    player.stop();
    if (!ofImage) return;
    ofImage = false;
    sliders.mark(null);
    view.hold(null);
    gallery.leave();
  }
  function recolour(map) {
    gallery?.paint(map);
    refresh(`Colours: ${map}`);
  }
  host.heard((pose) => {
    letGo();
    ({ z, label } = pose);
    refresh("Set from Python");
  });

  // The dots of a map that nobody sees would keep new weights waiting.
  const fold = zDim === 2 ? null : make("details", { class: "vx-panel" }, make("summary", {}, "Map of two latents"), pad.element);
  const scatter = () => fold?.open !== false && pad.scatter(scene.codes, scene.order);
  fold?.addEventListener("toggle", scatter);

  const sentence = make("p", { class: "vx-sentence" }, zDim === 2 ? ON_A_MAP : scene.kl ? BY_KL : AS_THEY_ARE);
  return {
    element: arrange({ view, classes, buttons, status, sentence, sliders, pad, fold, strip, gallery, tools }, span),
    fits: (other) => structure(other) === structure(scene),
    show(latest) {
      scene = latest;
      source?.stop();
      source = makeSource(readDecoder(latest.decoder), host, (words) => status.say(words, z));
      version++;
      letGo();
      sliders.arrange(latest.order, latest.kl);
      scatter();
      gallery?.renew(latest.examples);
      gallery?.paint(view.map());
      refresh("The model as it is now");
    },
    stop() {
      draw.cancel();
      status.stop();
      player.stop();
      source?.stop();
    },
  };
}

// Picture and sliders side by side, with the map between them where there are only two latents; the rest below.
function arrange({ view, classes, buttons, status, sentence, sliders, pad, fold, strip, gallery, tools }, span) {
  const box = (name, ...parts) => make("div", { class: name }, ...parts.filter(Boolean));
  const stage = box(fold ? "vx-stage" : "vx-stage vx-flat",
    box("vx-left", view.picture, classes?.element, box("vx-buttons", ...buttons), box("vx-told", view.original, status.element)),
    !fold && pad.element,
    box("vx-right", sentence, sliders.element),
    box("vx-below", strip.element, gallery?.element, fold, box("vx-tools", ...tools)));
  stage.style.setProperty("--vx-span", span);
  return stage;
}

// What was done, once the hand rests, for eyes and screen readers; and how usual the code is under the prior.
function makeStatus(zDim) {
  const element = make("p", { class: "vx-status", role: "status" });
  const typical = Math.sqrt(zDim).toFixed(1);
  const say = atRest((words, z) => {
    element.textContent = `${words}. |z| = ${Math.hypot(...z).toFixed(1)} (prior: about ${typical})`;
  });
  return { element, say, stop: say.cancel };
}

const structure = ({ decoder, span, kl, sample }) =>
  JSON.stringify([decoder?.z_dim, decoder?.n_classes, decoder?.image_shape, span, sample, !kl]);
