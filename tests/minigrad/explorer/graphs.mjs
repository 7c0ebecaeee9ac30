// Small graphs for the tests of the page's modules, in the form in which Python hands them over. Worked out by hand.
import { Model } from "../../../minigrad/explorer/web/model.js";

const whole = (shape, values) => ({ shape, dtype: "float64", values });

function page(nodes, rules, extra = {}) {
  const arrays = [];
  const add = (array) => arrays.push(array) - 1;
  const entries = nodes.map((node) => {
    const entry = { column: 0, band: 0, row: 0, offset: 0, ...node, value: add(node.value) };
    if (node.grad) entry.grad = add(node.grad);
    if (node.sends) entry.sends = node.sends.map((one) => one && Object.fromEntries(Object.entries(one).map(([key, array]) => [key, add(array)])));
    return entry;
  });
  return new Model({
    title: "test", root: nodes.length - 1, upstream: add(whole([], [1])), gates: nodes.filter((node) => node.gate).length,
    notes: [], nodes: entries, arrays, rules, columns: [{ number: 0, kind: "before", width: 2 }], bands: [{ scope: "", title: "all gates" }],
    words: [], replay: { why_not: "not in this test" }, ...extra,
  });
}

/** y = tanh(a · a), a = 0.5: y = tanh 0.25 = 0.244919; dy/du = 1 − y² = 0.940015; each use of a gets half of that. */
export function square() {
  const y = Math.tanh(0.25);
  const du = 1 - y * y;
  const scalar = (x) => whole([], [x]);
  return page(
    [
      { kind: "parameter", name: "a", value: scalar(0.5), grad: scalar(du) },
      { kind: "gate", gate: "Hadamard", inputs: [0, 0], value: scalar(0.25), grad: scalar(du),
        sends: [{ part: scalar(du / 2), sum: scalar(du / 2) }, { part: scalar(du / 2), sum: scalar(du) }] },
      { kind: "gate", gate: "Tanh", inputs: [1], value: scalar(y), grad: scalar(1), sends: [{}] },
    ],
    { Hadamard: { symbol: "⊙", text: "z = a ⊙ b" }, Tanh: { symbol: "tanh", text: "z = tanh x" } },
    { replay: { upstream: [1], shapes: [[], [], []], leaves: { 0: [0.5] },
      recipes: { 1: { kind: "elementwise", how: "Hadamard" }, 2: { kind: "elementwise", how: "Tanh" } } } },
  );
}

/** z = Σ x @ W with x = [[1, 2], [3, 4]], W = [[5, 6], [7, 8]]: dz = ones, dx = dz @ Wᵀ, dW = xᵀ @ dz. */
export function product() {
  return page(
    [
      { kind: "parameter", name: "x", value: whole([2, 2], [1, 2, 3, 4]), grad: whole([2, 2], [11, 15, 11, 15]) },
      { kind: "parameter", name: "W", value: whole([2, 2], [5, 6, 7, 8]), grad: whole([2, 2], [4, 4, 6, 6]) },
      { kind: "gate", gate: "MultiplyGate", inputs: [0, 1], value: whole([2, 2], [19, 22, 43, 50]), grad: whole([2, 2], [1, 1, 1, 1]), sends: [{}, {}] },
      { kind: "gate", gate: "Sum", inputs: [2], value: whole([], [134]), grad: whole([], [1]), sends: [{}] },
    ],
    { MultiplyGate: { symbol: "×", text: "z = a @ b" }, Sum: { symbol: "Σ", text: "z = Σ x" } },
  );
}

/** A chain of `steps` time steps of two gates each, after one leaf and before one gate, for folding and unfolding. */
export function chain(steps) {
  const value = whole([], [1]);
  const nodes = [{ kind: "parameter", name: "W", column: 0, band: 0, value, grad: value }];
  for (let step = 0; step < steps; step++) {
    const before = nodes.length - 1;
    nodes.push({ kind: "gate", gate: "Hadamard", inputs: [0, before], column: step + 1, band: 0, row: 0, value, grad: value, sends: [{ part: value, sum: value }, {}] });
    nodes.push({ kind: "gate", gate: "Tanh", inputs: [nodes.length - 1], column: step + 1, band: 0, row: 1, value, grad: value, sends: [{}] });
  }
  nodes.push({ kind: "gate", gate: "Sum", inputs: [nodes.length - 1], column: steps + 1, band: 1, value, grad: value, sends: [{}] });
  const columns = Array.from({ length: steps }, (_, step) => ({ number: step, kind: "step", width: 1 }));
  return page(nodes, { Hadamard: {}, Tanh: {}, Sum: {} }, {
    columns: [{ number: 0, kind: "shared", width: 1 }, ...columns, { number: 0, kind: "after", width: 1 }],
    bands: [{ scope: "net/rnn", title: "" }, { scope: "", title: "end" }],
  });
}

/**
 * A residual network: in the scope net, `count` blocks of three gates, of which two are in the scope norm. All blocks use
 * the same W; each has its own b. After them comes one gate outside all scopes.
 */
export function residual(count) {
  const value = whole([], [1]);
  const common = { column: 0, band: 0, value, grad: value };
  const nodes = [{ ...common, kind: "parameter", name: "W" }];
  const gate = (name, scope, ...inputs) => nodes.push({ ...common, kind: "gate", gate: name, scope, inputs, sends: inputs.map(() => ({})) }) - 1;
  let x = 0;
  for (let n = 0; n < count; n++) {
    const b = nodes.push({ ...common, kind: "parameter", name: "b" }) - 1;
    const product = gate("Hadamard", `net/block${n}/norm`, 0, x);
    x = gate("AddGate", `net/block${n}`, gate("AddGate", `net/block${n}/norm`, product, b), x);
  }
  gate("Sum", undefined, x);
  return page(nodes, { Hadamard: {}, AddGate: {}, Sum: {} });
}

/** The same graph with its newest gate, its oldest leaf and their scopes called `name`. */
export function renamed({ data }, name) {
  const nodes = data.nodes.map((node) => ({ ...node }));
  nodes[0].name = name;
  Object.assign(nodes.at(-1), { gate: name, scope: name });
  const rules = JSON.parse(JSON.stringify(data.rules).replace('"Tanh":', `"${name}":`).replace("z = tanh x", `${name}: z = tanh x`));
  return new Model({ ...data, nodes, rules });
}

/** Enough of a document for a panel to build itself in. */
export function standInDocument() {
  const element = () => {
    const self = { style: {}, classList: { add() {}, toggle() {} }, value: "" };
    for (const name of ["append", "setAttribute", "addEventListener", "replaceChildren", "focus"]) self[name] = () => {};
    return Object.assign(self, { contains: () => false, querySelector: () => null });
  };
  globalThis.document = { createElement: element, createElementNS: element, activeElement: null };
}
