// Unpacks the numbers of the page, and writes numbers as text.
import { byId } from "../../../minigrad/explorer/web/dom.js";

const TYPES = { uint8: Uint8Array, float32: Float32Array };

export const DATA = JSON.parse(byId("data").textContent);

/** Decode an array. `at(step)` returns the numbers of one step. */
export function unpack({ type, shape, data, ...facts }) {
  const text = window.atob(data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  const values = new TYPES[type](bytes.buffer);
  const each = shape.slice(1).reduce((product, size) => product * size, 1);
  return { ...facts, shape, values, at: (step) => values.subarray(step * each, (step + 1) * each) };
}

/** Decode all series of a kind: a Map from the name of a part. */
export function series(run, kind) {
  return new Map(Object.entries(run.series[kind] ?? {}).map(([name, entry]) => [name, unpack(entry)]));
}

/** Write a number with three digits. */
export function number(value) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const size = Math.abs(value);
  const text = size && (size < 1e-3 || size >= 1e6) ? value.toExponential(1).replace(".0e", "e") : Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
  return text.replaceAll("-", "−").replace("e+", "e");
}

export function percent(share) {
  if (share > 0 && share < 0.005) return "under 1%";
  return `${Math.round(100 * share)}%`;
}

/** Shorten the names of parts: the model's own name, with which all of them begin, says nothing. */
export function shortNames(parts) {
  const layers = parts.map(([name]) => name).filter((name) => name.includes("."));
  const [first] = (layers[0] ?? "").split(".");
  const common = layers.length > 1 && layers.every((name) => name.startsWith(`${first}.`));
  const short = (name) => (common && name.startsWith(`${first}.`) ? name.slice(first.length + 1) : name.replace(/^(\+|⊙) \d+$/, "$1"));
  return new Map(parts.map(([name]) => [name, short(name)]));
}

/** How many of the records are steps. The last record is the state after the last step. */
export function steps(run) {
  return run.steps.filter((step) => step <= run.count).length;
}

export function stepName(run, index) {
  const step = run.steps[index];
  return step > run.count ? `after the last step, ${run.count.toLocaleString("en")}` : `step ${step.toLocaleString("en")}`;
}
