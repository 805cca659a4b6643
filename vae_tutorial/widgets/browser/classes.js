// The classes of a conditional model.

import { make, makeButton } from "./page.js";

// One button per class under their name. -> { element, show(label) }
export function makeClasses(count, choose, name = "Class") {
  const buttons = Array.from({ length: count }, (_, y) => makeButton(String(y), () => choose(y), { "aria-label": `Class ${y}` }));
  return {
    element: make("div", { class: "vx-classes", role: "group", "aria-label": name }, make("span", { class: "vx-panel-name" }, name), ...buttons),
    show: (label) => buttons.forEach((button, y) => button.setAttribute("aria-pressed", String(y === label))),
  };
}
