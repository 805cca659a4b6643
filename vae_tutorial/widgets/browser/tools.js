// What to take away from a widget: the code as Python, the picture as a file.

import { make, makeButton } from "./page.js";

const LARGE = 560; // pixels: the size of a saved picture, or just above

// pose() gives { z, label } of the code to copy; canvas is the picture; tell(words) says what was done. -> elements
export function makeTools(pose, canvas, tell) {
  // Where a page may not write to the clipboard, the line stands there to be copied by hand.
  const line = make("input", { class: "vx-line", type: "text", readonly: true, hidden: true, "aria-label": "The code as Python" });
  const copy = makeButton("Copy z", async () => {
    try {
      await navigator.clipboard.writeText(asPython(pose()));
      tell("Copied as a line of Python");
    } catch {
      line.hidden = false;
      line.value = asPython(pose());
      line.select();
      tell("Copy the marked line");
    }
  });
  const save = makeButton("Save picture", () => {
    make("a", { href: enlarged(canvas), download: "picture.png" }).click();
    tell("Saved as picture.png");
  });
  return [copy, save, line];
}

function asPython({ z, label }) {
  const code = `z = torch.tensor([[${z.map((value) => value.toFixed(2)).join(", ")}]])`;
  return label === null ? code : `${code}; y = torch.tensor([${label}])`;
}

function enlarged(canvas) {
  const scale = Math.ceil(LARGE / Math.max(canvas.width, canvas.height));
  const large = make("canvas", { width: canvas.width * scale, height: canvas.height * scale });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  return large.toDataURL("image/png");
}
