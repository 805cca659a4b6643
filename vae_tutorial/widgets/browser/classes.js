// The classes of a conditional model.

import { make, makeButton } from "./page.js";

// One button per class. -> { element, show(label) }
export function makeClasses(count, choose) {
  const buttons = Array.from({ length: count }, (_, y) => makeButton(String(y), () => choose(y), { "aria-label": `Class ${y}` }));
  return {
    element: make("div", { class: "vx-classes", role: "group", "aria-label": "Class" }, ...buttons),
    show: (label) => buttons.forEach((button, y) => button.setAttribute("aria-pressed", String(y === label))),
  };
}
