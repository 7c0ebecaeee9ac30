// The quiz: chooses the number to ask for, and recognises mistakes in wrong answers.
import { byName, count, elementText, indicesOf, placeOf } from "./arrays.js";

/** The question of a backward step: {gate, input, place, answer, text}. Null if the arrays are too large to compute by hand. */
export function questionFor(model, gate) {
  for (let input = 0; input < model.nodes[gate].inputs.length; input++) {
    const delivery = model.delivery(gate, input);
    const values = delivery?.after?.values;
    if (!values?.length || !delivery.part.values || !values.every(Number.isFinite)) continue;
    const place = mostTelling(delivery);
    const parent = delivery.parent;
    const name = elementText(model.title(parent), place, model.value(parent).shape);
    const sum = delivery.of > 1 ? `, once ${delivery.number} of its ${delivery.of} consumers have reported` : "";
    return { gate, input, place, answer: values[place], text: `dL/d ${name}${sum}` };
  }
  return null;
}

// The largest element, off the diagonal if possible: a transposed matrix has the same diagonal.
function mostTelling({ after, part }) {
  const { shape } = part;
  const score = (place) => {
    const indices = indicesOf(place, shape);
    const telling = shape.length < 2 || indices.at(-1) !== indices.at(-2);
    return (telling ? 1e6 : 1) * Math.abs(after.values[place]) * (part.values[place] === 0 ? 1e-3 : 1);
  };
  return after.values.reduce((best, _, place) => (score(place) > score(best) ? place : best), 0);
}

const LOCAL = byName({
  Tanh: "the factor 1 − z² of tanh",
  Sigmoid: "the factor z · (1 − z) of the sigmoid",
  Hadamard: "the other factor",
  Exp: "the factor z = eˣ",
  Log: "the factor 1 / x",
  Sqrt: "the factor 1 / (2z)",
  Power: "the factor b · a^(b − 1)",
  Divide: "the factor 1 / b",
  Mean: "the factor 1 / N of the mean",
  ReLU: "the condition x > 0",
});

/** The verdict on an answer: {right, text}. `redo(dz)`, if not null, returns the gradients that the gate sends for that dz. */
export function judge(model, question, text, redo) {
  const given = Number(text.trim().replace(",", ".").replaceAll("−", "-") || NaN);
  if (Number.isNaN(given)) return { right: false, text: "That is not a number. Type something like −0.25 or 1.5e-3." };
  const { answer } = question;
  if (near(given, answer)) return { right: true, text: "Right." };
  const slip = slips(model, question, redo).find(({ wrong }) => near(given, wrong) && !near(wrong, answer));
  return { right: false, text: slip ? `Not yet: ${slip.text}` : "Not yet. Take the upstream gradient, apply the local rule, and add the earlier sum." };
}

function near(a, b) {
  return Math.abs(a - b) <= 0.01 * Math.abs(b) + (b === 0 ? 1e-9 : 0);
}

/** The answers that result from common mistakes, the most specific first. */
export function slips(model, { gate, input, place, answer }, redo) {
  const { part, before } = model.delivery(gate, input);
  const dz = model.grad(gate);
  const start = before?.values?.[place] ?? 0;
  const found = [];
  const add = (contribution, text) => contribution !== undefined && found.push({ wrong: start + contribution, text });

  if (before) {
    found.push({ wrong: part.values[place], text: "this is the gradient that the gate sends now. It is added to the earlier sum (+=) and does not replace it (=)." });
    found.push({ wrong: start, text: "this is the earlier sum. Add the gradient that the gate sends now." });
  }
  if (dz.values) {
    const ones = redo?.(Array(dz.size).fill(1));
    add(ones?.[input]?.[place], "the upstream gradient dz is missing: the chain rule multiplies the local derivative by it.");
    const sameShape = dz.shape.join() === part.shape.join();
    if (sameShape && LOCAL.has(model.known[gate])) add(dz.values[place], `${LOCAL.get(model.known[gate])} is missing: your answer is dz itself.`);
    if (model.known[gate] === "Mean") add(dz.values[0], `${LOCAL.get("Mean")} is missing.`);
    withoutSum(model, gate, input, place, redo).forEach((wrong) => add(wrong, "the sum over the batch is missing: this is the gradient from a single example."));
  }
  turnedPlaces(part.shape, place).forEach((other) => {
    found.push({ wrong: start + part.values[other], text: "the matrix is transposed: rows and columns are swapped." });
  });
  add(productWithoutTranspose(model, gate, input, place), "a transpose is missing: da = dz @ bᵀ and db = aᵀ @ dz.");
  found.push({ wrong: -answer, text: "the sign is wrong." });
  add(-part.values[place], "the gradient that this gate sends has the wrong sign.");
  found.push({ wrong: 2 * answer, text: "your answer is twice the right value." }, { wrong: answer / 2, text: "your answer is half the right value." });
  return found;
}

// The gradients from single examples: the gate's rule on an upstream gradient that is zero except in one row.
function withoutSum(model, gate, input, place, redo) {
  const dz = model.grad(gate);
  const operand = model.value(model.nodes[gate].inputs[input]);
  const sumsRows = model.known[gate] === "MultiplyGate" ? input === 1 : count(operand.shape) < dz.size;
  if (!redo || !sumsRows || dz.shape.length === 0 || dz.shape[0] < 2) return [];
  const rowSize = dz.size / dz.shape[0];
  return Array.from({ length: dz.shape[0] }, (_, row) => {
    const one = dz.values.map((d, n) => (Math.floor(n / rowSize) === row ? d : 0));
    return redo(one)?.[input]?.[place];
  });
}

function turnedPlaces(shape, place) {
  if (shape.length !== 2) return [];
  const [row, column] = indicesOf(place, shape);
  const other = placeOf([column, row], shape);
  return other < 0 || other === place ? [] : [other];
}

function productWithoutTranspose(model, gate, input, place) {
  const node = model.nodes[gate];
  if (model.known[gate] !== "MultiplyGate") return undefined;
  const dz = model.grad(gate);
  const other = model.value(node.inputs[1 - input]);
  const [left, right] = input === 0 ? [dz, other] : [other, dz];
  if (!left.values || !right.values || left.shape.length !== 2 || right.shape.length !== 2) return undefined;
  const terms = left.shape[1];
  const [row, column] = indicesOf(place, model.value(node.inputs[input]).shape);
  if (terms !== right.shape[0] || row >= left.shape[0] || column >= right.shape[1]) return undefined;
  let sum = 0;
  for (let k = 0; k < terms; k++) sum += left.values[row * terms + k] * right.values[k * right.shape[1] + column];
  return sum;
}

