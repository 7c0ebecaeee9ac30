// Shows an array: a coloured grid of its numbers, or its range, mean and norm with a heat map.
import { brief, exact, indicesOf, shapeText } from "./arrays.js";
import { el, svg } from "./dom.js";

const MOST_CELLS = 64;
const HEAT_SIDE = 8;

/**
 * The element that shows an array. `pick(place)` makes its cells buttons; `marked` is the place of the chosen one;
 * `differs` holds the places that are outlined as wrong.
 */
export function showArray(array, label, { pick = null, marked = -1, differs = null } = {}) {
  if (array === "large") return el("p", { class: "muted" }, "Not stored: this sum is too large, and has too many terms, for the page.");
  const title = `${label}: ${shapeText(array.shape)} ${array.dtype}`;
  if (array.size === 0) return el("p", { class: "muted" }, `empty ${shapeText(array.shape)}`);
  if (array.values && array.size <= MOST_CELLS) return wholeGrid(array, title, pick, marked, differs);
  return el("div", { class: "summary" }, statistics(array), heatMap(array, title));
}

/** "(2, 3) float32", and the norm where that says more than the numbers. */
export function caption(array) {
  if (array === "large") return "";
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

// Orange for positive, blue for negative, stronger for larger: two hues that colour-blind readers can tell apart.
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

function heatMap(array, title) {
  const heat = array.heat ?? (array.values && heatOf(array));
  if (!heat) return null;
  const values = heat.values.map(Number);
  const columns = values.length / heat.rows;
  const scale = values.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  const cells = values.map((x, place) =>
    svg("rect", {
      class: !Number.isFinite(x) ? "unfinite" : x > 0 ? "positive" : "negative", x: place % columns, y: Math.floor(place / columns), width: 0.9, height: 0.9,
      "fill-opacity": Number.isFinite(x) && scale > 0 ? (Math.abs(x) / scale).toFixed(2) : 1,
    }));
  const words = `${title}; heat map of ${heat.rows} by ${columns} block means, strongest ${brief(scale)}`;
  // One svg instead of a table: a step shows many of these, and has to be quick.
  return svg("svg", { class: "heat", role: "img", "aria-label": words, viewBox: `0 0 ${columns} ${heat.rows}`, width: columns * 17, height: heat.rows * 17 },
    svg("title", {}, words), svg("rect", { class: "ground", width: columns, height: heat.rows }), cells);
}

/** A heat map of an array that was recomputed here: the block means that minigrad/explorer/arrays.py would give. */
export function heatOf({ values, shape }) {
  const width = shape.length < 2 ? values.length : shape.at(-1);
  const down = blocksOf(values.length / width, HEAT_SIDE);
  const across = blocksOf(width, shape.length < 2 ? HEAT_SIDE ** 2 : HEAT_SIDE);
  const sums = Array(down.count * across.count).fill(0);
  const sizes = sums.slice();
  values.forEach((x, n) => {
    const block = down.of[Math.floor(n / width)] * across.count + across.of[n % width];
    sums[block] += x;
    sizes[block] += 1;
  });
  return { rows: shape.length < 2 ? HEAT_SIDE : down.count, values: sums.map((sum, n) => sum / sizes[n]) };
}

// Cuts `size` rows into at most `most` blocks: their number, and for each row its block.
function blocksOf(size, most) {
  const number = Math.min(size, most);
  const of = new Int32Array(size);
  for (let block = 0; block < number; block++) of.fill(block, Math.floor((block * size) / number));
  return { count: number, of };
}
