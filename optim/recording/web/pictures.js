// Draws arrays as pictures: a number is a square whose colour shows its sign and size.
import { el } from "../../../minigrad/explorer/web/dom.js";

let palette = null;

/** Read the colours of the present colour scheme: [negative, zero, positive]. */
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  palette = ["--negative", "--cell", "--positive", "--panel"].map((name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  });
}

/** A canvas with `count` tiles of height x width numbers side by side. `show(bytes)` paints it; 128 is 0. */
export function tiles(count, height, width, columns, scale) {
  const across = Math.min(count, columns);
  const down = Math.ceil(count / across);
  const canvas = el("canvas", { width: across * (width + 1) - 1, height: down * (height + 1) - 1, role: "img" });
  canvas.style.width = `${canvas.width * scale}px`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  return {
    element: canvas,
    show(bytes) {
      const [negative, zero, positive, gap] = palette;
      const paint = (x, y, base, end, share) => {
        const at = 4 * (y * canvas.width + x);
        for (let i = 0; i < 3; i += 1) image.data[at + i] = base[i] + (end[i] - base[i]) * share;
        image.data[at + 3] = 255;
      };
      for (let y = 0; y < canvas.height; y += 1) for (let x = 0; x < canvas.width; x += 1) paint(x, y, gap, gap, 0);
      for (let i = 0; i < bytes.length; i += 1) {
        const tile = Math.floor(i / (height * width));
        const y = Math.floor(tile / across) * (height + 1) + Math.floor((i % (height * width)) / width);
        const x = (tile % across) * (width + 1) + (i % width);
        const value = (bytes[i] - 128) / 127;
        paint(x, y, zero, value < 0 ? negative : positive, Math.min(1, Math.abs(value)));
      }
      context.putImageData(image, 0, 0);
    },
  };
}
