// The latent explorer: one slider per latent and the picture that the decoder makes of them, with a traversal strip,
// real images to start from, a map of any two latents, and classes for a conditional model.

import { makeClasses } from "./classes.js";
import { makeGallery } from "./gallery.js";
import { makeHistory } from "./history.js";
import { readDecoder, readSpan } from "./network.js";
import { makePad } from "./pad.js";
import { atRest, clamp, hundredths, make, makeButton, normal, oncePerFrame, signed } from "./page.js";
import { makePlayer } from "./player.js";
import { makeSliders } from "./sliders.js";
import { makeSource } from "./source.js";
import { makeStrip } from "./strip.js";
import { makeTools } from "./tools.js";
import { makeView } from "./view.js";

const HOW = "Drag a latent: the decoder redraws its picture. Grey: ±1 σ of the prior, where two of three random codes lie.";
const OF_IMAGE = "Orange: the posterior of the image you chose, μ ± σ. Grey: ±1 σ of the prior.";

// What stays in place while weights come and go; other sizes or other images need a new one.
export function makeExplorer(scene, host) {
  const { zDim, nClasses, imageShape } = readDecoder(scene.decoder);
  const span = readSpan(scene);
  let { z, label } = startingPose(host.pose(), zDim, nClasses);
  let latent = scene.order[0]; // the one that the strip shows and Play swings
  let image = null; // the number of the real image that was started from
  let source = null;
  let version = 0;

  // The parts tell of hands, in the functions below; `refresh` shows them all the code.
  const view = makeView(imageShape, recolour);
  const status = makeStatus(zDim);
  const sentence = make("p", { class: "vx-sentence" }, HOW);
  const sliders = makeSliders(zDim, span, host.id, moveLatent);
  const pad = zDim > 1 ? makePad(zDim, span, moveOnMap) : null;
  const strip = makeStrip(imageShape, span, { series: (...job) => source.series(...job) }, moveLatent);
  const gallery = scene.examples && makeGallery(scene.examples, imageShape, host.id, showImage);
  const classes = nClasses ? makeClasses(nClasses, (y) => move({ label: y }, `Class ${y}`)) : null;
  const player = makePlayer(span, { begin: startPlaying, go: swing, rest: () => status.say(`z[${latent}] = ${signed(z[latent])}`, z) });
  const history = makeHistory((pose) => (player.stop(), letGo(), put(pose, "Undone")));
  const random = () => z.map(() => clamp(hundredths(normal()), span));
  const anew = (pose, words) => (letGo(), move(pose, words));
  const buttons = [
    makeButton("Random z", () => anew({ z: random() }, "Drawn from the prior")),
    makeButton("Reset", () => anew({ z: z.map(() => 0) }, "All latents at 0")),
    player.element, history.element,
  ];
  const tools = [view.menu, ...makeTools(() => ({ z, label }), view.picture, (words) => status.say(words, z))];
  const draw = oncePerFrame(() => {
    const code = z; // by the time that a kernel answers, the hand may be elsewhere
    source.picture(code, label, (picture) => view.paint(picture, code));
  });

  function refresh(words) {
    sliders.show(z);
    sliders.choose(latent);
    pad?.show(z);
    classes?.show(label);
    player.call(`z[${latent}]`);
    draw();
    strip.follow(latent, z, label, view.map(), version);
    if (words) status.say(words, z);
  }
  // Every change of the code that is made here comes through this function.
  function put(pose, words) {
    ({ z, label } = { z, label, ...pose });
    refresh(words);
    host.tell({ z, label });
  }
  // A change by hand. Those of one `kind` in quick succession are undone together.
  function move(pose, words, kind) {
    player.stop();
    gallery?.settle();
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
  function startPlaying() {
    gallery?.settle();
    history.keep({ z, label });
    status.say(`z[${latent}] swings from −${span} to ${span}`, z);
    return z[latent];
  }
  function swing(value) {
    put({ z: z.with(latent, value) }, null);
  }
  function showImage(example, words) {
    player.stop();
    history.keep({ z, label }, example.index === null ? "blend" : null);
    hold(example);
    const its = nClasses && example.label !== null ? example.label : label;
    put({ z: example.mu.map(hundredths), label: its }, words + beyond(example.mu, span));
  }
  // The image stays in sight as what the moved code is compared with, until another one or a code of no image comes.
  function hold({ index, image: pixels, mu, sigma, name }) {
    image = index;
    sentence.textContent = index === null ? HOW : OF_IMAGE;
    sliders.mark(index === null ? null : { mu, sigma });
    view.hold(pixels ?? null, pixels ? `Original: ${name}` : "");
  }
  function letGo() {
    hold({ index: null });
    gallery?.leave();
  }
  function recolour(map) {
    gallery?.paint(map);
    refresh(`Colours: ${map}`);
  }
  host.heard((pose) => {
    player.stop();
    letGo();
    ({ z, label } = startingPose(pose, zDim, nClasses));
    refresh("Moved from elsewhere");
  });
  // The dots of a map that nobody sees would keep new weights waiting.
  const fold = zDim > 2 ? make("details", { class: "vx-panel" }, make("summary", {}, "Map of two latents"), pad.element) : null;
  const scatter = () => fold?.open !== false && pad?.scatter(scene.codes, scene.order);
  fold?.addEventListener("toggle", scatter);

  return {
    element: arrange({ view, classes, buttons, status, sentence, sliders, pad, fold, strip, gallery, tools }, span),
    fits: (other) => structure(other) === structure(scene),
    show(latest) {
      scene = latest;
      source?.stop();
      source = makeSource(readDecoder(latest.decoder), host, (words) => status.say(words, z));
      sliders.arrange(latest.order, latest.kl);
      scatter();
      gallery?.renew(latest.examples);
      gallery?.paint(view.map());
      if (image !== null) sliders.mark(gallery.example(image));
      refresh(version++ ? "New weights" : z.some((value) => value !== 0) ? "As it was left" : "All latents at 0");
    },
    stop() {
      draw.cancel();
      player.stop();
      status.stop();
      source?.stop();
    },
  };
}

// A pose that Python or another view of the widget knows, if it is one of this model; else the origin.
function startingPose(pose, zDim, nClasses) {
  const known = Array.isArray(pose?.z) && pose.z.length === zDim && pose.z.every(Number.isFinite);
  const labelled = Number.isInteger(pose?.label) && pose.label >= 0 && pose.label < nClasses;
  return { z: known ? pose.z : new Array(zDim).fill(0), label: nClasses ? (labelled ? pose.label : 0) : null };
}

function beyond(mu, span) {
  const far = mu.findIndex((value) => Math.abs(value) > span);
  return far < 0 ? "" : ` (z[${far}] = ${signed(mu[far])} lies beyond its slider)`;
}

// Picture and sliders side by side, with the map between them where there are only two latents; the rest below.
function arrange({ view, classes, buttons, status, sentence, sliders, pad, fold, strip, gallery, tools }, span) {
  const box = (name, ...parts) => make("div", { class: name }, ...parts.filter(Boolean));
  const flat = pad && !fold; // with two latents the map is always in sight
  const stage = box(flat ? "vx-stage vx-flat" : "vx-stage",
    box("vx-left", view.picture, classes?.element, box("vx-buttons", ...buttons), box("vx-told", view.original, box("", view.caption, status.element))),
    flat && pad.element,
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
    element.textContent = `${words}. |z| = ${Math.hypot(...z).toFixed(1)} (random codes: about ${typical})`;
  });
  return { element, say, stop: say.cancel };
}

const structure = ({ decoder, span, sample }) =>
  JSON.stringify([decoder?.z_dim, decoder?.n_classes, decoder?.image_shape, span, sample]);
