// Writes a gate's rule with a node's own numbers: "dx = dz · (1 − z²) = 0.5 · (1 − 0.4621²) = 0.3932".
// The numbers are element [0, 0, ...] of each array.
import { brief, byName, count, counted, elementText } from "./arrays.js";

// For each gate: the names of its inputs, its formula, and the gradient of each input. Letters stand for numbers.
const FORMULAS = byName({
  AddGate: ["a b", "a + b", "dz", "dz"],
  Subtract: ["a b", "a − b", "dz", "−dz"],
  Hadamard: ["a b", "a · b", "dz · b", "dz · a"],
  Divide: ["a b", "a / b", "dz / b", "−dz · z / b"],
  Power: ["a b", "a^b", "dz · b · a^(b − 1)", "dz · z · ln a"],
  Negate: ["x", "−x", "−dz"],
  Exp: ["x", "e^x", "dz · z"],
  Log: ["x", "ln x", "dz / x"],
  Sqrt: ["x", "√x", "dz / (2 · z)"],
  Sin: ["x", "sin x", "dz · cos x"],
  Cos: ["x", "cos x", "−dz · sin x"],
  Abs: ["x", "|x|", "dz · sign(x)"],
  Maximum: ["a b", "max(a, b)", "dz · [a > b], half of dz where a = b", "dz · [b > a], half of dz where a = b"],
  Minimum: ["a b", "min(a, b)", "dz · [a < b], half of dz where a = b", "dz · [b < a], half of dz where a = b"],
  Softplus: ["x", "ln(1 + e^x)", "dz · σ(x)"],
  GELU: [
    "x",
    "½ · x · (1 + tanh u), with u = √(2/π) · (x + 0.044715 · x³)",
    "dz · ½ · (1 + tanh u + x · (1 − tanh² u) · u′), with u′ = √(2/π) · (1 + 0.134145 · x²)",
  ],
  Tanh: ["x", "tanh x", "dz · (1 − z²)"],
  Sigmoid: ["x", "σ(x)", "dz · z · (1 − z)"],
  ReLU: ["x", "max(x, 0)", "dz · [x > 0]"],
  Where: ["c a b", "a where c, else b", "", "dz · [c]", "dz · [not c]"],
  MultiplyGate: ["a b", "a @ b", "dz @ bᵀ", "aᵀ @ dz"],
  Sum: ["x", "Σ x", "dz, repeated along the summed axes"],
  Mean: ["x", "Σ x / N", "dz / N, repeated along the averaged axes"],
  Max: ["x", "max x", "dz where x is the maximum, else 0"],
  Min: ["x", "min x", "dz where x is the minimum, else 0"],
  Softmax: ["x", "e^x / Σ e^x", "z · (dz − Σ dz · z)"],
  LogSoftmax: ["x", "x − ln Σ e^x", "dz − e^z · Σ dz"],
  SoftmaxCrossEntropy: ["x labels", "−ln softmax(x)[label]", "(softmax(x) − onehot(label)) · dz / N"],
  BinaryCrossEntropy: ["x t", "−t ln σ(x) − (1 − t) ln(1 − σ(x))", "(σ(x) − t) · dz / N"],
  MeanSquaredError: ["x t", "(x − t)²", "2 · (x − t) · dz / N", "−2 · (x − t) · dz / N"],
  MeanAbsoluteError: ["x t", "|x − t|", "sign(x − t) · dz / N", "−sign(x − t) · dz / N"],
  LayerNormalise: [
    "x gain bias",
    "h · gain + bias, with h = (x − μ) / √(σ² + ε)",
    "(dh − mean(dh) − h · mean(dh · h)) / √(σ² + ε), with dh = dz · gain",
    "Σ dz · h",
    "Σ dz",
  ],
  ScaledDotProductAttention: [
    "q k v mask",
    "A @ v, with the attention weights A = softmax(scale · q @ kᵀ)",
    "scale · dS @ k, with dS = A · (dz @ vᵀ − Σ dz · z)",
    "scale · dSᵀ @ q, with dS = A · (dz @ vᵀ − Σ dz · z)",
    "Aᵀ @ dz",
  ],
  Convolve: [
    "x W",
    "Σ window of x · W, for each filter and each window",
    "Σ dz · W, over the filters and over the windows that contain the element",
    "Σ dz · window of x, over the images and windows",
  ],
  MaxPool: ["x", "max of each window of x", "dz where x is the first maximum of its window, else 0"],
  Windows: ["x", "the windows of x", "Σ dz, over the windows that contain the element"],
  Slice: ["x", "x[key]", "dz at the selected positions, else 0"],
  Lookup: ["table ids", "table[ids]", "dz added to the selected rows, else 0"],
  Reshape: ["x", "x, reshaped", "dz in x's shape"],
  Transpose: ["x", "x, axes permuted", "dz, axes permuted back"],
  BroadcastTo: ["x", "x, repeated", "dz, summed over the repetitions"],
});

// Elementwise formulas, in which numbers can replace the letters.
const BY_ELEMENT = new Set(
  "AddGate Subtract Hadamard Divide Power Negate Exp Log Sqrt Sin Cos Abs Softplus Tanh Sigmoid ReLU".split(" "),
);

/** The names of a gate's inputs in its formula, such as ["a", "b"]. */
export function inputNames(gate, inputCount) {
  const names = FORMULAS.get(gate)?.[0].split(" ") ?? [];
  return Array.from({ length: inputCount }, (_, n) => names[n] ?? (inputCount === 1 ? "x" : `input ${n + 1}`));
}

/** The forward formula and, where possible, the formula with numbers, as lines of text. */
export function explainForward(model, id) {
  const node = model.nodes[id];
  const gate = model.known[id];
  const formula = FORMULAS.get(gate)?.[1];
  if (!formula) return [];
  const z = model.value(id);
  if (BY_ELEMENT.has(gate))
    return [chain([elementText("z", 0, z.shape), formula, put(model, id, formula), brief(z.first)])];
  if (gate === "MultiplyGate") return [`z = ${formula}`, ...dotProduct("z", model.value(node.inputs[0]), model.value(node.inputs[1]), z)];
  return [`z = ${formula}`];
}

/** The same for the gradient `part` that the gate sends to input number `input`. */
export function explainBackward(model, id, input, part) {
  const node = model.nodes[id];
  const gate = model.known[id];
  const formula = FORMULAS.get(gate)?.[2 + input];
  if (!formula) return [];
  const name = `d${inputNames(gate, node.inputs.length)[input]}`;
  const dz = model.grad(id);
  const repeated = count(dz.shape) > count(part.shape);
  if (BY_ELEMENT.has(gate)) {
    if (repeated)
      return [`${name} = ${formula}, summed over the ${counted(count(dz.shape) / count(part.shape), "element")} that each number was broadcast to`];
    return [chain([elementText(name, 0, part.shape), formula, put(model, id, formula), brief(part.first)])];
  }
  const lines = [`${name} = ${formula}`];
  const other = gate === "MultiplyGate" && model.value(node.inputs[1 - input]);
  if (other && dz.shape.length === 2 && other.shape.length === 2)
    lines.push(...(input === 0 ? dotProduct(name, dz, turned(other), part) : dotProduct(name, turned(other), dz, part)));
  if (gate === "Mean") lines.push(`N = ${count(part.shape) / count(dz.shape)}`);
  return lines;
}

function chain(parts) {
  return parts.filter((part, n) => n === 0 || part !== parts[n - 1]).join(" = ");
}

// Replaces the letters by the first elements. Negative numbers get brackets: "a · (−3)".
function put(model, id, formula) {
  const node = model.nodes[id];
  const names = inputNames(model.known[id], node.inputs.length);
  const numbers = byName({ z: model.value(id).first, dz: model.grad(id)?.first });
  names.forEach((name, n) => numbers.set(name, model.value(node.inputs[n]).first));
  return formula.replace(/\b(dz|z|a|b|x)\b(?! where)/g, (letter, _, place) => {
    const text = brief(numbers.get(letter));
    const bare = !text.startsWith("−") || (place === 0 && !/^\S*[²^]/.test(formula.slice(letter.length)));
    return bare ? text : `(${text})`;
  });
}

function turned(array) {
  const [rows, columns] = array.shape;
  const values = array.values && Array.from(array.values, (_, n) => array.values[(n % rows) * columns + Math.floor(n / rows)]);
  return { shape: [columns, rows], values };
}

// The first element of a matrix product, written out: "z[0, 0] = 1 · 0.5 + 2 · (−1) = −1.5".
function dotProduct(name, left, right, product) {
  if (left.shape.length !== 2 || right.shape.length !== 2) return [];
  const terms = left.shape[1];
  const sizes = `${left.shape.join(" × ")} by ${right.shape.join(" × ")}: each element is a sum of ${counted(terms, "product")}`;
  if (!left.values || !right.values) return [sizes];
  const bracket = (x) => (x < 0 ? `(${brief(x)})` : brief(x));
  const shown = Array.from({ length: Math.min(terms, 4) }, (_, k) => `${bracket(left.values[k])} · ${bracket(right.values[k * right.shape[1]])}`);
  return [`${elementText(name, 0, product.shape)} = ${shown.join(" + ")}${terms > 4 ? " + …" : ""} = ${brief(product.first)}`];
}
