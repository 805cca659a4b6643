// A sheet to write on, with a mouse, a finger, or keys that move a pen.

import { make } from "./page.js";
import { makePicture } from "./picture.js";

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HELP = "Sheet to write on. Arrow keys move the pen, with Shift in smaller steps; "
  + "Space puts it down and lifts it; Backspace takes a stroke back.";

// hand: { begin(point), draw(point), undo(), say(words) } is told of strokes, in pixels of the image; `begin` opens one.
// -> { element, paint(image), lift() }
export function makePen(imageShape, hand) {
  const [, height, width] = imageShape;
  const picture = makePicture(imageShape);
  const pen = make("span", { class: "vx-pen", "aria-hidden": "true" });
  const element = make("div", { class: "vx-sheet", role: "application", tabindex: 0, "aria-label": HELP }, picture.element, pen);
  const step = Math.max(height, width) / 28;
  let [x, y] = [width / 2, height / 2];
  let down = false;

  function place(point) {
    [x, y] = [Math.min(width, Math.max(0, point[0])), Math.min(height, Math.max(0, point[1]))];
    pen.style.left = `${(100 * x) / width}%`;
    pen.style.top = `${(100 * y) / height}%`;
    return [x, y];
  }
  function put(nowDown) {
    down = nowDown;
    element.classList.toggle("vx-down", down);
    if (down) hand.begin([x, y]);
  }
  const lift = () => down && put(false);
  const point = ({ clientX, clientY }) => {
    const box = element.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * width, ((clientY - box.top) / box.height) * height];
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    element.setPointerCapture(event.pointerId);
    element.classList.remove("vx-keys");
    place(point(event));
    put(true);
  });
  element.addEventListener("pointermove", (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    // Between two frames a fast hand makes several points; they keep its curves round.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) hand.draw(place(point(each)));
  });
  for (const end of ["pointerup", "pointercancel", "blur"]) element.addEventListener(end, lift);
  element.addEventListener("keydown", (event) => {
    const known = Object.hasOwn(KEYS, event.key) || [" ", "Backspace", "Delete"].includes(event.key);
    if (!known || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    element.classList.add("vx-keys");
    if (Object.hasOwn(KEYS, event.key)) {
      const far = step * (event.shiftKey ? 0.25 : 1);
      const [dx, dy] = KEYS[event.key];
      const to = place([x + far * dx, y + far * dy]);
      if (down) hand.draw(to);
    } else if (event.key === " ") {
      if (event.repeat) return;
      put(!down);
      hand.say(down ? "Pen down" : "Pen up");
    } else {
      lift();
      hand.undo();
    }
  });
  place([x, y]);
  return { element, paint: picture.paint, lift };
}
