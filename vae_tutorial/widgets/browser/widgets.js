// Every widget by its name, and how a scene of one comes to life: in a notebook (`render`, called by anywidget) or in a
// page without a kernel (`start`).

import { makeCompare } from "./compare.js";
import { makeCovarianceDial } from "./covariance_dial.js";
import { makeDial } from "./dial.js";
import { makeDrawDigit } from "./draw_digit.js";
import { makeExplorer } from "./explorer.js";
import { makeKernelLab } from "./kernel_lab.js";
import { makeLossLab } from "./loss_lab.js";
import { makeManifold } from "./manifold.js";
import { atRest, keepKeys, make, uniqueId } from "./page.js";
import { makeQuiz } from "./quiz.js";
import { makeRunDial } from "./run_dial.js";

// kind -> (scene, host) -> { element, fits(scene), show(scene), stop() }
const WIDGETS = {
  beta_dial: makeDial,
  compare: makeCompare,
  covariance_dial: makeCovarianceDial,
  draw_digit: makeDrawDigit,
  explorer: makeExplorer,
  kernel_lab: makeKernelLab,
  loss_lab: makeLossLab,
  manifold: makeManifold,
  quiz: makeQuiz,
  run_dial: makeRunDial,
};

const NO_KERNEL = {
  alone: true,
  pose: () => null,
  tell() {},
  heard() {},
  ask: () => Promise.reject(new Error("this page has no kernel")),
};

// -> { show(scene), end() }
export function mount(element, host = NO_KERNEL) {
  const root = make("div", { class: "vx", role: "group" });
  const releaseKeys = keepKeys(root);
  element.append(root);
  let stage = null;
  const stop = () => (stage?.stop(), (stage = null));
  function show(scene) {
    try {
      if (!Object.hasOwn(WIDGETS, scene?.kind)) throw new Error("there is no widget of this kind.");
      root.setAttribute("aria-label", scene.title);
      if (!stage?.fits(scene)) {
        stop();
        stage = WIDGETS[scene.kind](scene, { ...host, id: uniqueId() });
        root.replaceChildren(stage.element);
      }
      stage.show(scene);
    } catch (error) {
      stop();
      root.replaceChildren(make("p", { class: "vx-problem", role: "alert" }, `The widget cannot be drawn: ${error.message}`));
    }
  }
  return { show, end: () => (stop(), releaseKeys()) };
}

// What a notebook's widget may say to its kernel, and hear from it.
function connect(model) {
  const questions = new Map();
  let hear = () => {};
  let own = null; // the pose that was told last
  let latest = null; // the one that is to be told
  let turn = Promise.resolve();
  // A message that arrives while a cell draws would show the figure of that cell half done: the kernel is told of a
  // new pose once it has nothing else to do. Where nobody can say what the kernel does, it is told at once.
  const send = atRest(() => {
    const kernel = model.widget_manager?.kernel;
    if (kernel && kernel.status !== "idle") return kernel.status === "dead" ? undefined : send();
    own = latest;
    model.set("pose", own);
    model.save_changes();
  }, 200);
  const changed = () => {
    if (model.get("pose") === own) return;
    latest = model.get("pose");
    hear(latest);
  };
  const answered = ({ answer, problem }, buffers) => {
    const { done, failed } = questions.get(answer) ?? {};
    questions.delete(answer);
    if (problem || !buffers?.length) return failed?.(new Error(problem ?? "it sent nothing"));
    const { buffer, byteOffset, byteLength } = buffers[0];
    done?.(new Uint8Array(buffer, byteOffset, byteLength));
  };
  const ask = (question) =>
    new Promise((done, failed) => {
      const id = uniqueId();
      questions.set(id, { done, failed });
      model.send({ ask: id, ...question });
    });
  model.on("change:pose", changed);
  model.on("msg:custom", answered);
  return {
    pose: () => latest ?? model.get("pose"),
    tell: (pose) => ((latest = pose), send()),
    heard: (listener) => (hear = listener),
    // One question is on its way at a time, whoever asks; when its turn comes it may be wanted no longer.
    ask(question, wanted) {
      const answer = turn.then(() => (wanted() ? ask(question) : null));
      turn = answer.catch(() => {});
      return answer;
    },
    close() {
      send.cancel();
      model.off("change:pose", changed);
      model.off("msg:custom", answered);
    },
  };
}

function render({ model, el }) {
  const host = connect(model);
  const widget = mount(el, host);
  const show = () => widget.show(model.get("scene"));
  model.on("change:scene", show);
  show();
  return () => {
    model.off("change:scene", show);
    widget.end();
    host.close();
  };
}

// A scene written into a page as JSON, where bytes are {"bytes": base64}. It stays there: a page that is saved from the
// browser comes to life again.
export function start(element) {
  const data = element.querySelector("script");
  element.replaceChildren(data);
  mount(element).show(read(data.textContent));
}

function read(text) {
  const bytes = (letters) => Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  try {
    return JSON.parse(text, (_, value) => (typeof value?.bytes === "string" ? bytes(value.bytes) : value));
  } catch {
    return null; // for `show` to say so: the other widgets of the page shall work
  }
}

export default { render };
