// Shows an array as a coloured grid of its numbers, or as range, mean and norm.
import { brief, exact, indicesOf, shapeText } from "./arrays.js";
import { el } from "./dom.js";

const MOST_CELLS = 64;

/**
 * Make the element that shows an array. With `pick(place)`, its cells are buttons. `marked` is the place of the chosen
 * cell, and `differs` holds the places to outline as wrong.
 */
export function showArray(array, label, { pick = null, marked = -1, differs = null } = {}) {
  const title = `${label}: ${shapeText(array.shape)} ${array.dtype}`;
  if (array.size === 0) return el("p", { class: "muted" }, `empty ${shapeText(array.shape)}`);
  if (array.values && array.size <= MOST_CELLS) return wholeGrid(array, title, pick, marked, differs);
  return statistics(array);
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
  const body = places.slice(0, rows).map((row) => el("tr", {}, cells.slice(row * columns, (row + 1) * columns)));
  return el("div", { class: "scroll", tabindex: places.length > columns ? 0 : null }, el("table", { class: "grid", "aria-label": title }, el("tbody", {}, body)));
}

function cell(array, place, scale, pick, mark) {
  const x = array.values[place];
  const where = `[${indicesOf(place, array.shape).join(", ")}] = ${exact(x)}`;
  const inside = pick
    ? el("button", { type: "button", "aria-label": `Edit ${where}`, "aria-pressed": String(mark === "marked"), onclick: () => pick(place) }, brief(x))
    : brief(x);
  const td = el("td", { title: where, class: mark }, inside);
  paint(td, x, scale);
  return td;
}

// Orange for positive and blue for negative, two hues that colour-blind readers can tell apart. Larger numbers are stronger.
function paint(element, x, scale) {
  if (!Number.isFinite(x)) return element.classList.add("unfinite");
  const strength = scale > 0 ? Math.round((Math.abs(x) / scale) * 55) : 0;
  if (strength > 0) element.style.background = `color-mix(in oklab, var(${x > 0 ? "--positive" : "--negative"}) ${strength}%, var(--cell))`;
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
