// Arrays as the page stores them, and the format of numbers.

/** An array from the page's data. It has `values` if all elements are known, otherwise only low, high, mean, norm and first. */
export function decode(entry) {
  const array = { ...entry, size: count(entry.shape) };
  if (entry.pixels) array.pixels = entry.pixels.map(Number);
  if (entry.values) Object.assign(array, summarise(entry.values.map(Number)));
  else for (const key of ["first", "low", "high", "mean", "norm"]) if (key in entry) array[key] = Number(entry[key]);
  return array;
}

/** An array that the page computed, with the same statistics as the arrays from Python. */
export function fromValues(shape, values) {
  return { shape, dtype: "float64", size: values.length, ...summarise(Array.from(values)) };
}

function summarise(values) {
  const finite = values.filter(Number.isFinite);
  const facts = { values, first: values[0] };
  if (finite.length) {
    facts.low = finite.reduce((low, x) => Math.min(low, x));
    facts.high = finite.reduce((high, x) => Math.max(high, x));
    facts.mean = finite.reduce((sum, x) => sum + x / finite.length, 0);
    facts.norm = finite.reduce((norm, x) => Math.hypot(norm, x), 0);
  }
  if (finite.length < values.length) facts.unfinite = values.length - finite.length;
  return facts;
}

/** The elements of an array or, if it is large, its first elements, if the page contains them. */
export function pixels(array) {
  return array.values ?? array.pixels;
}

/** A map by name. A gate may be called "constructor" or "__proto__", which would not work as a key of an object. */
export function byName(object) {
  return new Map(Object.entries(object));
}

export function count(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

/** A number in about seven characters, with four significant digits and a real minus sign. */
export function brief(x, digits = 4) {
  if (x === undefined || x === null) return "?";
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const plain = size >= 1e-3 && size < 10 ** Math.max(digits, 5);
  const text = plain ? String(Number(x.toPrecision(digits))) : x.toExponential(digits - 2).replace(/\.?0+e/, "e");
  return text.replace("e+", "e").replaceAll("-", "−");
}

/** A number with all its digits, for tooltips and labels. */
export function exact(x) {
  return String(x).replaceAll("-", "−");
}

/** A number with its noun: "1 gate", "2 gates". */
export function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export function shapeText(shape) {
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

/** The indices of element number `place`. For place 5 of shape [2, 3] they are [1, 2]. */
export function indicesOf(place, shape) {
  const indices = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    indices.unshift(place % shape[axis]);
    place = Math.floor(place / shape[axis]);
  }
  return indices;
}

/** The inverse of indicesOf, or -1 if an index is outside its axis. */
export function placeOf(indices, shape) {
  if (indices.length !== shape.length) return -1;
  let place = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    if (!Number.isInteger(indices[axis]) || indices[axis] < 0 || indices[axis] >= shape[axis]) return -1;
    place = place * shape[axis] + indices[axis];
  }
  return place;
}

export function elementText(name, place, shape) {
  return shape.length ? `${name}[${indicesOf(place, shape).join(", ")}]` : name;
}
