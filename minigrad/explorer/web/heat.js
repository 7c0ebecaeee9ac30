// Heat maps of attention weights: a small one in the box of a gate, and a large one in the panel, with a choice of head.
import { brief, count, indicesOf, pixels } from "./arrays.js";
import { el } from "./dom.js";
import { imageOf } from "./grid.js";
import { canvas, outlines, sideOf } from "./windows.js";

/** The space that the map takes in a box. */
export const HEAT = 38;

const MOST_MAPS = 200;
let chosen = 0; // the number of the matrix that is shown; kept from step to step

/** The matrices of an array that the page contains, and the chosen one. */
function matrices(array) {
  const [rows, columns] = array.shape.slice(-2);
  const size = rows * columns;
  const lead = array.shape.slice(0, -2);
  const number = Math.min(Math.floor(pixels(array).length / size), MOST_MAPS);
  const current = Math.min(chosen, number - 1);
  const nameOf = (n) => (lead.length === 2 ? `example ${indicesOf(n, lead)[0]}, head ${indicesOf(n, lead)[1]}` : `[${indicesOf(n, lead).join(", ")}]`);
  const values = pixels(array).slice(current * size, (current + 1) * size);
  // With the square root, the colours of small weights differ more from the colour of 0.
  const strengths = { array: { low: 0, high: Math.sqrt(array.high) }, values: values.map(Math.sqrt) };
  return { rows, columns, number, current, nameOf, values, strengths, left: count(lead) - number, at: indicesOf(current, lead) };
}

/** The small map in a box. */
export function mapOf(model, id, attributes) {
  const { strengths, columns } = matrices(model.heat(id));
  return imageOf(strengths.array, strengths.values, columns, 1, false, attributes);
}

/** The large map in the panel, or null if the gate has none. The pointer or the arrow keys choose a weight. */
export function heatMap(model, id) {
  const array = model.heat(id);
  if (!array) return null;
  const figure = el("figure", { class: "windows", "data-role": "heat" });
  const show = (focus) => {
    figure.replaceChildren(...parts(array, model.nodes[id].saved ? "A" : "z", show));
    if (focus) figure.querySelector("select").focus();
  };
  show(false);
  return figure;
}

function parts(array, letter, show) {
  const { rows, columns, number, current, nameOf, left, at, values, strengths } = matrices(array);
  const name = at.length ? `${letter}[${at.join(", ")}]` : letter;
  const select = el("select", { onchange: () => { chosen = Number(select.value); show(true); } },
    Array.from({ length: number }, (_, n) => el("option", { value: n, selected: n === current }, nameOf(n))));
  const text = el("p", { class: "numbers", role: "status" });
  const light = ([row, column]) => {
    overlay.replaceChildren(...outlines([[row, 0, 1, columns], [row, column, 1, 1]]));
    const meaning = letter === "A" ? `how much of value ${column} is in output ${row}` : `column ${column} of row ${row}`;
    text.textContent = `${letter}[${[...at, row, column].join(", ")}] = ${brief(values[row * columns + column])}: ${meaning}`;
  };
  const { overlay, element } = canvas({ ...strengths, rows, columns, grey: false, name }, sideOf([{ rows, columns }], 30, 264), light);
  light([rows >> 1, columns >> 1]);
  const largest = Array.from({ length: rows }, (_, row) => {
    const weights = values.slice(row * columns, (row + 1) * columns);
    const column = weights.reduce((best, weight, n) => (weight > weights[best] ? n : best), 0);
    return el("li", {}, `row ${row}: column ${column}, ${brief(weights[column])}`);
  });
  return [
    number > 1 ? el("label", {}, "Weights of ", select) : null,
    element, text,
    left > 0 ? el("p", { class: "muted" }, `The page contains only the first ${number} of ${number + left} matrices.`) : null,
    el("details", {}, el("summary", {}, "The largest weight of each row"), el("ul", { class: "consumers" }, largest)),
  ].filter(Boolean);
}
