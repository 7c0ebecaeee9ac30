// Pictures of Windows, MaxPool and Convolve. In a forward step, an element of the output lights up the window that it was
// computed from. In a backward step, a pixel lights up all outputs whose windows contain it.
import { brief, count, elementText, pixels, placeOf } from "./arrays.js";
import { el, svg } from "./dom.js";
import { imageOf } from "./grid.js";

const MOST_TERMS = 9;
const CHOSEN = { image: 0, channel: 0, filter: 0 }; // kept from step to step

/** The picture of a step, or null if there is none. `dx` is the gradient that a backward step sends to x, or null. */
export function windowPicture(model, id, backward = false, dx = null) {
  const call = model.nodes[id].window && model.known[id] ? new WindowCall(model, id, backward, dx) : null;
  if (!call || call.axes > 2 || count(call.positions) === 0) return null;
  const figure = el("figure", { class: "windows" });
  const show = (focus = null) => {
    figure.replaceChildren(...choosers(call, show), ...pictures(call));
    if (focus) figure.querySelector(`[name="${focus}"]`).focus();
  };
  show();
  return figure;
}

/** One call of such a gate, with its geometry. An image with one axis counts as an image of height 1. */
class WindowCall {
  constructor(model, id, backward, dx) {
    const { window: settings, inputs } = model.nodes[id];
    const [x, W] = inputs.map((input) => model.value(input));
    const z = backward ? model.grad(id) : model.value(id);
    const size = W ? W.shape.slice(2) : settings.size;
    this.axes = size.length;
    const two = (sizes) => [...Array(Math.max(2 - this.axes, 0)).fill(1), ...sizes];
    this.size = two(size);
    this.stride = two(size.map((_, axis) => settings.stride[axis] ?? settings.stride));
    this.sides = two(x.shape.slice(-this.axes));
    this.positions = this.sides.map((side, axis) => Math.floor((side - this.size[axis]) / this.stride[axis]) + 1);
    this.lead = x.shape.slice(0, -this.axes);
    this.options = new Map(this.lead.map((length, axis) => [["image", "channel"][axis] ?? `axis ${axis}`, length]));
    if (W) this.options.set("filter", W.shape[0]);
    // The gradient of an input image is not computed, but the outputs that would send it are the same.
    Object.assign(this, { gate: model.known[id], backward, x, W, z, dx, from: dx && pixels(dx) ? dx : x });
  }

  choice(name) {
    return Math.min(CHOSEN[name] ?? 0, this.options.get(name) - 1);
  }

  /** For each array, the indices of the chosen image in it. */
  planes() {
    const lead = [...this.options.keys()].filter((name) => name !== "filter").map((name) => this.choice(name));
    if (!this.W) return { x: lead, z: lead };
    const filter = this.choice("filter");
    return { x: lead, W: [filter, lead[1]], z: [lead[0], filter] };
  }

  /** The positions of all windows that contain a pixel, each with the pixel's place in the window. */
  around([row, column]) {
    const along = (at, axis) => Array.from({ length: this.positions[axis] }, (_, p) => [p, at - p * this.stride[axis]]).filter(([, i]) => i >= 0 && i < this.size[axis]);
    return along(row, 0).flatMap(([p, i]) => along(column, 1).map(([q, j]) => ({ at: [p, q], place: [i, j] })));
  }

  /** The pixels of a window. */
  window([p, q]) {
    return indices(this.size).map(([i, j]) => [p * this.stride[0] + i, q * this.stride[1] + j]);
  }
}

function indices([rows, columns]) {
  return Array.from({ length: rows * columns }, (_, place) => [Math.floor(place / columns), place % columns]);
}

function choosers(call, show) {
  const several = [...call.options].filter(([, length]) => length > 1);
  return several.map(([name, length]) => {
    const select = el("select", { name, onchange: () => { CHOSEN[name] = Number(select.value); show(name); } },
      Array.from({ length: Math.min(length, 100) }, (_, n) => el("option", { value: n, selected: n === call.choice(name) }, n)));
    return el("label", {}, `${name} `, select);
  });
}

/** One image of an array. `place` gives the number of a pixel's element, counted from the image's first element. */
function plane(array, name, lead, [rows, columns], place = ([row, column]) => row * columns + column) {
  const start = placeOf(lead, array.shape.slice(0, lead.length)) * rows * columns;
  const all = pixels(array)?.slice(start, start + rows * columns) ?? [];
  return {
    array, rows, columns, grey: array.low >= 0 && "xz".includes(name), name: lead.length ? `${name}[${lead.join(", ")}]` : name,
    values: all.length === rows * columns ? indices([rows, columns]).map((cell) => all[place(cell)]) : null,
    text: (cell) => elementText(name, start + place(cell), array.shape),
    at: (cell) => all[place(cell)],
  };
}

function pictures(call) {
  const { backward, size, positions, sides } = call;
  const tiles = call.gate === "Windows" ? size : [1, 1]; // the output has a whole window at each position
  const lead = call.planes();
  const x = plane(call.x, "x", lead.x, sides);
  const to = call.from === call.x ? x : plane(call.from, "dx", lead.x, sides);
  const W = call.W && plane(call.W, "W", lead.W, size);
  const z = plane(call.z, backward ? "dz" : "z", lead.z, positions.map((length, axis) => length * tiles[axis]), ([row, column]) => {
    const [p, q] = [Math.floor(row / tiles[0]), Math.floor(column / tiles[1])];
    return ((p * positions[1] + q) * tiles[0] + (row % tiles[0])) * tiles[1] + (column % tiles[1]);
  });
  const order = (backward ? [z, W, to] : [x, W, z]).filter(Boolean);
  if ([x, ...order].some(({ values }) => !values))
    return [el("p", { class: "muted" }, "The page does not contain this image: it stores only the first numbers of a large array.")];
  const scene = { call, x, W, z, to, tiles };
  const text = el("p", { class: "numbers", role: "status" });
  const light = (cell) => {
    const { lit, words } = backward ? overlaps(scene, cell) : windowUnder(scene, cell);
    shown.forEach(({ overlay }, n) => overlay.replaceChildren(...outlines(lit.get(order[n]) ?? [])));
    text.textContent = words;
  };
  const images = order.filter((one) => one !== W);
  const side = sideOf(images, 22, 132);
  const shown = order.map((one, n) => canvas(one, one === W ? sideOf([W], 22, 66) : side, n === order.length - 1 ? light : null));
  light([order.at(-1).rows >> 1, order.at(-1).columns >> 1]);
  return [el("div", { class: "images" }, shown.map(({ element }) => element)), text];
}

/** The size of a pixel on the screen with which the images fit. */
export function sideOf(images, most, height) {
  return Math.max(3, images.reduce((side, { rows, columns }) => Math.min(side, Math.floor(height / rows), Math.floor(300 / columns)), most));
}

/** An element of the output, and the window that it was computed from. */
function windowUnder({ call, x, W, z, tiles }, cell) {
  const at = cell.map((index, axis) => Math.floor(index / tiles[axis]));
  const window = call.window(at);
  const lit = new Map([[x, [[...window[0], ...call.size]]], [z, [[...cell, 1, 1]]]]);
  const name = z.text(cell);
  const value = brief(z.at(cell));
  if (W) {
    lit.set(W, [[0, 0, ...call.size]]);
    const terms = window.map((pixel, n) => [x.at(pixel), W.at(indices(call.size)[n])]);
    const channels = call.x.shape[1];
    return { lit, words: channels === 1 ? `${name} = Σ x · W = ${total(terms)}` : `${name} = ${value}, the sum over ${channels} channels. In ${x.name}: Σ x · W = ${total(terms)}` };
  }
  const source = call.gate === "MaxPool" ? first(x, window) : window[(cell[0] % tiles[0]) * tiles[1] + (cell[1] % tiles[1])];
  lit.get(x).push([...source, 1, 1]);
  if (call.gate === "Windows") lit.get(z).push([at[0] * tiles[0], at[1] * tiles[1], ...tiles]);
  return { lit, words: `${name} = ${call.gate === "MaxPool" ? "the maximum of the window = " : ""}${x.text(source)} = ${value}` };
}

/** A pixel, and the outputs whose windows contain it. Their gradients add up to the pixel's gradient. */
function overlaps({ call, x, W, z, to, tiles }, pixel) {
  const users = call.around(pixel).map(({ at, place }) => ({ at, place, cell: call.gate === "Windows" ? at.map((p, axis) => p * tiles[axis] + place[axis]) : at }));
  const lit = new Map([[to, [[...pixel, 1, 1]]], [z, boxes(users.map(({ cell }) => cell))]]);
  if (W) lit.set(W, boxes(users.map(({ place }) => place)));
  const sending = call.gate === "MaxPool" ? users.filter(({ at }) => String(first(x, call.window(at))) === String(pixel)) : users;
  const terms = sending.map(({ place, cell }) => (W ? [z.at(cell), W.at(place)] : [z.at(cell)]));
  const filters = call.W?.shape[0] ?? 1;
  const overlap = `${users.length} window${users.length === 1 ? " contains" : "s contain"} ${x.text(pixel)}${call.gate === "MaxPool" ? `, which is the maximum of ${sending.length || "none"}` : ""}`;
  const sum = `Σ dz${W ? " · W" : ""} = ${total(terms)}`;
  if (to === x) return { lit, words: `${overlap}. ${sum}${filters > 1 ? `, for ${W.name}` : ""}` };
  return { lit, words: filters === 1 ? `${overlap}. ${to.text(pixel)} = ${sum}` : `${overlap}. ${to.text(pixel)} = ${brief(to.at(pixel))}, the sum over ${filters} filters. For ${W.name}: ${sum}` };
}

/** The pixel of a window that is its first maximum. */
function first(x, window) {
  return window.reduce((best, pixel) => (x.at(pixel) > x.at(best) ? pixel : best));
}

/** A sum written out: "0.5 · 2 + 1 · (−1) = 0". Each term is a list of factors. */
function total(terms) {
  if (!terms.length) return "0";
  const bracket = (x) => (x < 0 ? `(${brief(x)})` : brief(x));
  const sum = terms.reduce((before, factors) => before + factors.reduce((a, b) => a * b), 0);
  const written = terms.slice(0, MOST_TERMS).map((factors) => factors.map(bracket).join(" · ")).join(" + ");
  return terms.length === 1 && terms[0].length === 1 ? brief(sum) : `${written}${terms.length > MOST_TERMS ? " + …" : ""} = ${brief(sum)}`;
}

/** The boxes to draw around pixels: one around all if they fill it, otherwise one around each. */
function boxes(cells) {
  const [low, high] = [Math.min, Math.max].map((end) => [0, 1].map((axis) => end(...cells.map((cell) => cell[axis]))));
  const sides = high.map((end, axis) => end - low[axis] + 1);
  return cells.length && count(sides) === cells.length ? [[...low, ...sides]] : cells.map((cell) => [...cell, 1, 1]);
}

/** An image with room for outlines. With `light(cell)`, the pointer and the arrow keys choose a pixel. */
export function canvas({ array, values, rows, columns, grey, name }, side, light) {
  const overlay = svg("g");
  let cell = [rows >> 1, columns >> 1];
  const go = (row, column) => {
    cell = [Math.min(Math.max(row, 0), rows - 1), Math.min(Math.max(column, 0), columns - 1)];
    light(cell);
  };
  const point = ({ clientX, clientY }) => {
    const box = element.getBoundingClientRect();
    go(Math.floor(((clientY - box.y) / box.height) * rows), Math.floor(((clientX - box.x) / box.width) * columns));
  };
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const active = light && {
    tabindex: 0, role: "application", "aria-label": `${name}: choose an element with the arrow keys`, onpointermove: point, onpointerdown: point,
    onkeydown: (event) => {
      if (!Object.hasOwn(moves, event.key)) return;
      event.preventDefault(); // the arrow keys would go to another step
      go(cell[0] + moves[event.key][0], cell[1] + moves[event.key][1]);
    },
  };
  const element = imageOf(array, values, columns, side, grey, active ?? { role: "img", "aria-label": `${name}, ${rows} by ${columns}` });
  element.append(overlay);
  return { overlay, element: el("div", {}, el("p", { class: "array-title" }, name), element) };
}

// Light around dark, or dark around light, so that an outline stands out on any colour.
export function outlines(around) {
  return ["halo", "lit"].map((name) => svg("g", { class: name }, around.map(([y, x, height, width]) => svg("rect", { x, y, width, height }))));
}
