// What is said about an answer to a concept question: the same as vae_tutorial/course/question.py says.

const ROUNDING = 1e-9; // 0.4 lies within 0.1 of 0.3, though their difference in binary is a little more than 0.1

// answer: a number, or a list of places of choices. -> { right, said, missing }: missing counts right choices not chosen
export const verdictOf = (question, answer) => (question.kind === "numeric" ? ofNumber(question, answer) : ofChoices(question, answer));

function ofNumber({ answer: truth, tolerance, feedback, otherwise, slips }, answer) {
  const near = (value) => Math.abs(answer - value) <= tolerance + ROUNDING * Math.max(tolerance, Math.abs(value));
  if (near(truth)) return { right: true, said: [feedback], missing: 0 };
  return { right: false, said: [slips.find(({ value }) => near(value))?.feedback ?? otherwise], missing: 0 };
}

function ofChoices({ kind, choices }, answer) {
  const chosen = choices.filter(({ place }) => answer.includes(place));
  const missing = choices.filter((choice) => choice.right && !chosen.includes(choice)).length;
  const right = missing === 0 && chosen.every((choice) => choice.right);
  if (kind === "single") return { right, said: chosen.map(({ feedback }) => feedback), missing: 0 };
  return { right, said: chosen.map(({ text, right, feedback }) => ({ choice: text, right, feedback })), missing };
}
