// Shows an array as a coloured grid of its numbers, as images, or as range, mean and norm.
import { brief, exact, indicesOf, shapeText } from "./arrays.js";
import { el, svg } from "./dom.js";

const MOST_CELLS = 64;
const MOST_IMAGES = 24;

/**
 * Make the element that shows an array. With `pick(place)`, its cells are buttons. `marked` is the place of the chosen
 * cell, and `differs` holds the places to outline as wrong.
 */
export function showArray(array, label, { pick = null, marked = -1, differs = null } = {}) {
  const title = `${label}: ${shapeText(array.shape)} ${array.dtype}`;
  if (array.size === 0) return el("p", { class: "muted" }, `empty ${shapeText(array.shape)}`);
  if (array.values && array.size <= MOST_CELLS) return wholeGrid(array, title, pick, marked, differs);
  return el("div", {}, statistics(array), array.pixels ? gallery(array) : null);
}

/** "(2, 3) float32", with the norm if the array has several elements. */
export function caption(array) {
  const norm = array.size > 1 && array.norm !== undefined ? ` · norm ${brief(array.norm)}` : "";
  return `${array.shape.length ? shapeText(array.shape) : "scalar"} ${array.dtype}${norm}`;
}

function wholeGrid(array, title, pick, marked, differs) {
  const columns = array.shape.at(-1) ?? 1;
  const rows = array.size / columns;
  const scale = largest(array);
  const places = Array.from({ length: array.size }, (_, place) => place);
  const cells = places.map((place) => cell(array, place, scale, pick, place === marked ? "marked" : differs?.has(place) ? "differs" : null));
  const gap = (row) => array.shape.length > 2 && row > 0 && row % array.shape.at(-2) === 0; // between two matrices
  const heading = (scope, text) => el("th", { scope }, text);
  const rowName = (row) => indicesOf(row, array.shape.slice(0, -1)).join(", ");
  const body = places.slice(0, rows).map((row) => el("tr", { class: gap(row) ? "gap" : null },
    array.shape.length > 1 ? heading("row", rowName(row)) : null, cells.slice(row * columns, (row + 1) * columns)));
  const head = el("tr", {}, array.shape.length > 1 ? el("td", { class: "corner" }) : null, places.slice(0, columns).map((column) => heading("col", column)));
  return el("div", { class: "scroll", tabindex: places.length > columns ? 0 : null },
    el("table", { class: "grid", "aria-label": title }, array.shape.length ? el("thead", {}, head) : null, el("tbody", {}, body)));
}

function cell(array, place, scale, pick, mark) {
  const x = array.values[place];
  const where = `[${indicesOf(place, array.shape).join(", ")}]`;
  const inside = pick
    ? el("button", { type: "button", "aria-label": `${brief(x)}: edit ${where}`, "aria-pressed": String(mark === "marked"), onclick: () => pick(place) }, brief(x))
    : brief(x);
  const td = el("td", { title: `${where} = ${exact(x)}`, class: mark }, inside);
  paint(td, x, scale);
  return td;
}

// Orange for positive and blue for negative, two hues that colour-blind readers can tell apart. Larger numbers are stronger.
function paint(element, x, scale) {
  if (!Number.isFinite(x)) return element.classList.add("unfinite");
  const strength = scale > 0 ? Math.round((Math.abs(x) / scale) * 55) : 0;
  if (strength > 0) element.style.background = `color-mix(in oklab, var(${x > 0 ? "--positive" : "--negative"}) ${strength}%, var(--cell))`;
}

/**
 * One image of an array, with pixels of `side` screen pixels, in grey or in the colours of the grid. A colour is the same
 * number in all images of an array.
 */
export function imageOf(array, values, columns, side, grey, attributes) {
  const scale = largest(array);
  const paths = new Map();
  values.forEach((x, place) => {
    const level = Number.isFinite(x) ? Math.round((x / (scale || 1)) * 20) : NaN;
    paths.set(level, `${paths.get(level) ?? ""}M${place % columns} ${Math.floor(place / columns)}h1v1h-1z`);
  });
  const rows = values.length / columns;
  return svg("svg", { class: "pixels", viewBox: `0 0 ${columns} ${rows}`, width: columns * side, height: rows * side, ...attributes },
    [...paths].map(([level, d]) => {
      const path = svg("path", { d });
      const hue = grey ? "--ink" : level > 0 ? "--positive" : "--negative";
      path.style.fill = Number.isNaN(level) ? "var(--cut)" : `color-mix(in oklab, var(${hue}) ${Math.abs(level) * 5}%, var(--cell))`;
      return path;
    }));
}

/** The first images of an array, whose last two axes are their rows and columns. */
function gallery(array) {
  const [rows, columns] = [1, ...array.shape].slice(-2);
  const area = rows * columns;
  const shown = Math.min(MOST_IMAGES, Math.floor(array.pixels.length / area));
  const side = Math.max(1, Math.min(12, Math.round(56 / Math.max(rows, columns))));
  const left = shown && array.size / area - shown;
  return el("div", { class: "images" }, Array.from({ length: shown }, (_, n) => {
    const name = `[${indicesOf(n, array.shape.slice(0, -2)).join(", ")}]`;
    return imageOf(array, array.pixels.slice(n * area, (n + 1) * area), columns, side, array.low >= 0, { role: "img", "aria-label": `image ${name}` });
  }), left > 0 ? el("p", { class: "muted" }, `and ${left} more`) : null);
}

function largest(array) {
  return Math.max(Math.abs(array.low ?? 0), Math.abs(array.high ?? 0));
}

function statistics(array) {
  const rows = [
    ["range", array.low === undefined ? "no finite number" : `${brief(array.low)} to ${brief(array.high)}`],
    ["mean", brief(array.mean)],
    ["norm", brief(array.norm)],
  ];
  if (array.unfinite) rows.push(["not finite", `${array.unfinite} of ${array.size}`]);
  return el("dl", { class: "facts" }, rows.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
}
