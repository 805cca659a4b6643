// The latent explorer: one slider per latent and the picture that the decoder makes of them, with a traversal strip,
// real images to start from, a map of any two latents, and classes for a conditional model.

import { makeClasses } from "./classes.js";
import { makeGallery } from "./gallery.js";
import { readDecoder } from "./network.js";
import { makePad } from "./pad.js";
import { atRest, clamp, hundredths, make, makeButton, makeMenu, normal, oncePerFrame, signed } from "./page.js";
import { colourMaps, makePicture } from "./picture.js";
import { makePlayer } from "./player.js";
import { makeSliders } from "./sliders.js";
import { makeSource } from "./source.js";
import { makeStrip } from "./strip.js";
import { makeTools } from "./tools.js";

const PAUSE = 600; // milliseconds: moves that follow each other faster are undone together
const BY_KL = "Drag a latent: the decoder redraws its picture. Sorted by KL; the band is the prior's ±1 σ.";
const ON_A_MAP = "Drag over the map or a slider: the decoder redraws. Rings: the prior's 1 and 2 σ.";
const AS_THEY_ARE = "Drag a latent: the decoder redraws its picture. The band is the prior's ±1 σ.";

// What stays in place while weights come and go; other sizes or other images need a new one.
export function makeExplorer(scene, host) {
  const { zDim, nClasses, imageShape } = readDecoder(scene.decoder);
  const { span } = scene;
  const flat = zDim === 2;
  let z = new Array(zDim).fill(0);
  let label = nClasses ? 0 : null;
  let latent = scene.order[0]; // the one that the strip shows and Play swings
  let map = "gray";
  let chosen = null; // the real image that the code is that of
  let held = false; // whether the code is that of an image, or between two
  let source = null;
  let version = 0;

  const picture = makePicture(imageShape, "The decoder's mean image", "vx-picture");
  const original = makePicture(imageShape, "The chosen image", "vx-original");
  const status = make("p", { class: "vx-status", role: "status" });
  const say = atRest((words) => {
    const typical = Math.sqrt(zDim).toFixed(1);
    status.textContent = `${words}. |z| = ${Math.hypot(...z).toFixed(1)} (prior: about ${typical})`;
  });
  const draw = oncePerFrame(() => source.picture(z, label, (image) => {
    picture.paint(image, map);
    picture.element.dataset.z = z.map((value) => value.toFixed(2)).join(" ");
  }));

  const history = makeHistory((pose) => (player.stop(), leave(), put(pose, "Undone")));
  const player = makePlayer(span, () => z[latent], (value) => put({ z: z.with(latent, value) }, `z[${latent}] swings`));

  function refresh(words) {
    sliders.show(z);
    pad.show(z);
    classes?.show(label);
    draw();
    strip.follow(latent, z, label, map, version);
    say(words);
  }
  // Every change of the code made here comes through this function.
  function put(pose, words) {
    ({ z, label } = { z, label, ...pose });
    refresh(words);
    host.tell({ z, label });
  }
  // A change by hand: Play ends, and the code is no longer that of an image.
  function move(pose, words, kind) {
    player.stop();
    leave();
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
    sliders.mark(index === null ? null : { mu, sigma });
    original.element.hidden = index === null;
    chosen = image;
    held = true;
    recolour();
    put({ z: mu.map((value) => clamp(hundredths(value), span)), label: nClasses && its !== null ? its : label }, words);
  }
  function leave() {
    if (!held) return;
    held = false;
    chosen = null;
    sliders.mark(null);
    original.element.hidden = true;
    gallery?.leave();
  }
  function recolour() {
    gallery?.paint(map);
    if (chosen) original.paint(chosen, map);
  }
  function setColours(name) {
    map = name;
    recolour();
    refresh(`Colours: ${map}`);
  }

  const sliders = makeSliders(zDim, span, host.id, moveLatent);
  const pad = makePad(zDim, span, moveOnMap);
  const gallery = scene.examples && makeGallery(scene.examples, imageShape, host.id, showImage);
  const classes = nClasses ? makeClasses(nClasses, (y) => move({ label: y }, `Class ${y}`, "class")) : null;
  // The strip asks a source that changes with the weights.
  const strip = makeStrip(imageShape, span, { series: (...job) => source.series(...job) }, moveLatent);
  const random = () => z.map(() => clamp(hundredths(normal()), span));
  const python = () => `z = torch.tensor([[${z.map((value) => value.toFixed(2)).join(", ")}]])` + (nClasses ? `; y = torch.tensor([${label}])` : "");

  const buttons = make("div", { class: "vx-buttons" },
    makeButton("Random z", () => move({ z: random() }, "Drawn from the prior")),
    makeButton("Reset", () => move({ z: z.map(() => 0) }, "All latents at 0")),
    player.element, history.element);
  const tools = make("div", { class: "vx-tools" },
    ...(imageShape[0] === 1 ? [makeMenu("Colours", colourMaps.map((name) => [name, name]), setColours).element] : []),
    ...makeTools(python, picture.element, say));
  const sentence = make("p", { class: "vx-sentence" });
  const left = make("div", { class: "vx-left" },
    picture.element, classes?.element ?? "", buttons, make("div", { class: "vx-told" }, original.element, status));
  const right = make("div", { class: "vx-right" }, sentence, sliders.element);
  const below = flat ? [] : [make("details", { class: "vx-panel" }, make("summary", {}, "Map of two latents"), pad.element)];
  original.element.hidden = true;
  host.heard((pose) => {
    player.stop();
    leave();
    ({ z, label } = pose);
    refresh("Set from Python");
  });

  return {
    element: make("div", { class: flat ? "vx-stage vx-flat" : "vx-stage", style: `--vx-span: ${span}` },
      left, ...(flat ? [pad.element] : []), right,
      make("div", { class: "vx-below" }, strip.element, gallery?.element ?? "", ...below, tools)),
    fits: (other) => structure(other) === structure(scene),
    show(latest) {
      source?.stop();
      source = makeSource(readDecoder(latest.decoder), host, say);
      version++;
      sentence.textContent = flat ? ON_A_MAP : latest.kl ? BY_KL : AS_THEY_ARE;
      sliders.arrange(latest.order, latest.kl);
      pad.scatter(latest.codes, latest.order);
      gallery?.renew(latest.examples);
      recolour();
      refresh("The model as it is now");
    },
    stop() {
      for (const part of [draw, say]) part.cancel();
      player.stop();
      source?.stop();
    },
  };
}

const structure = ({ decoder, span, sample }) =>
  JSON.stringify([decoder?.z_dim, decoder?.n_classes, decoder?.image_shape, span, sample]);

// Poses to go back to; moves of one kind in quick succession count as one. -> { element, keep(pose, kind) }
function makeHistory(back) {
  const poses = [];
  let last = { kind: null, at: 0 };
  const element = makeButton("Undo", () => {
    last = { kind: null, at: 0 };
    const pose = poses.pop();
    element.disabled = poses.length === 0;
    if (pose) back(pose);
  }, { disabled: true });
  return {
    element,
    keep(pose, kind = null) {
      const at = performance.now();
      const same = kind !== null && kind === last.kind && at - last.at < PAUSE;
      last = { kind, at };
      if (same) return;
      poses.push(pose);
      if (poses.length > 100) poses.shift();
      element.disabled = false;
    },
  };
}
