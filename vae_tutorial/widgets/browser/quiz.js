// Concept questions: a lesson's, each checked on its own, or the set that is stored before and after the course.

import { make, makeButton } from "./page.js";
import { verdictOf } from "./verdict.js";

const WAITING = 4000; // milliseconds until the page says that the kernel has not answered
const NOTHING_YET = { single: "Choose an answer first.", multiple: "Choose one or more answers first.",
  numeric: "Type a number first, such as 0.5 or -2." };

// scene: { questions: [{ id, kind, text, ... }], record?: { file, set, version } }
export function makeQuiz({ questions, record }, host) {
  const cards = questions.map((question, i) => makeQuestion(question, `${host.id}-${i}`, i + 1, !record));
  const parts = cards.map(({ element }) => element);
  if (record) parts.push(makeStore(record, cards, host));
  return { element: make("div", { class: "vx-stage vx-quiz" }, ...parts), fits: () => false, show() {}, stop() {} };
}

// One question. -> { element, id, answer(): null or what is stored, clear(), show(verdict) }
function makeQuestion(question, id, number, checked) {
  const told = make("div", { class: "vx-feedback", "aria-live": "polite" });
  const { element, answer, fields } = question.kind === "numeric" ? makeNumber(question, id) : makeChoices(question, id);
  const show = (verdict) => told.replaceChildren(...verdictElements(verdict));
  const clear = () => told.replaceChildren();
  const check = () => show(answer() === null ? { hint: NOTHING_YET[question.kind] } : verdictOf(question, answer()));
  const card = make("fieldset", { class: "vx-question" },
    make("legend", {}, make("span", { class: "vx-question-number" }, `Question ${number}`), ...withCode(question.text)), element);
  for (const field of fields) {
    field.addEventListener("input", clear);
    if (checked) field.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && check());
  }
  if (checked) card.append(makeButton("Check", check, { "aria-label": `Check question ${number}` }));
  card.append(told);
  return { element: card, id: question.id, answer, clear, show };
}

function makeChoices({ kind, choices }, id) {
  const type = kind === "single" ? "radio" : "checkbox";
  const fields = choices.map(({ place }) => make("input", { type, name: id, value: place }));
  const rows = choices.map(({ text }, i) => make("label", { class: "vx-choice" }, fields[i], make("span", {}, ...withCode(text))));
  const answer = () => {
    const chosen = fields.filter((field) => field.checked).map((field) => Number(field.value));
    return chosen.length ? chosen.sort((a, b) => a - b) : null;
  };
  return { element: make("div", { class: "vx-choices" }, ...rows), answer, fields };
}

function makeNumber({ unit }, id) {
  const field = make("input", { type: "number", step: "any", id, autocomplete: "off" });
  const answer = () => (Number.isFinite(field.valueAsNumber) ? field.valueAsNumber : null);
  return { element: make("label", { class: "vx-number" }, "Your answer", field, unit), answer, fields: [field] };
}

// The button that stores the answers of the whole set, by the kernel or, without one, as a download.
function makeStore(record, cards, host) {
  const status = make("div", { class: "vx-feedback", role: "status" });
  const tick = make("input", { type: "checkbox" });
  const replace = make("label", { class: "vx-check", hidden: true }, tick, `Replace ${record.file}`);
  const say = (...lines) => status.replaceChildren(...lines.map((line) => make("p", {}, line)));

  async function store() {
    const answered = cards.filter((card) => card.answer() !== null);
    const answers = Object.fromEntries(answered.map((card) => [card.id, card.answer()]));
    if (host.alone) {
      download(record, answers);
      return say(`${answered.length} of ${cards.length} questions answered, saved by your browser as ${record.file}.`);
    }
    const late = setTimeout(() => say("The kernel has not answered yet. It stores the answers as soon as it is free; if it is not running, run the cell again."), WAITING);
    try {
      const reply = await host.ask({ answers, replace: tick.checked }, () => true);
      heard(JSON.parse(new TextDecoder().decode(reply)));
    } catch (error) {
      say(`The answers were not stored: ${error.message}`);
    } finally {
      clearTimeout(late);
    }
  }
  function heard({ words, kept, counts, marked }) {
    replace.hidden = !kept;
    tick.checked = false;
    if (kept) return say(`${words} To put these answers in its place, tick "Replace ${record.file}" and store again.`);
    say(words, ...(counts ? [counts] : []));
    for (const card of cards) {
      card.clear();
      if (marked?.[card.id]) card.show({ right: marked[card.id].right, said: marked[card.id].said });
    }
  }
  return make("div", { class: "vx-store" }, makeButton("Store answers", store), replace, status);
}

function download({ file, set, version }, answers) {
  const content = { set, version, time: new Date().toISOString(), answers };
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(content, null, 2)}\n`], { type: "application/json" }));
  make("a", { href: address, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function verdictElements({ hint, right, said, missing = 0 }) {
  if (hint) return [make("p", {}, hint)];
  const word = make("p", { class: `vx-verdict ${right ? "vx-right-answer" : "vx-not-yet"}` }, right ? "Right" : "Not yet");
  const lines = said.map((line) => (typeof line === "string" ? make("p", {}, ...withCode(line)) : ofChoice(line)));
  const more = missing && make("p", {}, missing === 1 ? "One more belongs to it." : `${missing} more belong to it.`);
  return [word, ...lines, ...(more ? [more] : [])];
}

const ofChoice = ({ choice, right, feedback }) =>
  make("p", { class: right ? "vx-right-answer" : "vx-not-yet" },
    make("span", { class: "vx-said-of" }, ...withCode(choice), right ? " (right)" : " (not so)"), ...withCode(feedback));

// Text in which `backticks` are around code.
const withCode = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
