// The graph of one page: its nodes, their values and gradients, and the gradients that each gate sends to its inputs.
import { byName, count, decode, pixels } from "./arrays.js";

export class Model {
  constructor(data) {
    this.data = data;
    this.nodes = data.nodes;
    this.root = data.root;
    this.arrays = data.arrays.map(decode);
    this.rules = byName(data.rules);
    /** The gate of a node if it is one of minigrad's own, which the page has formulas for. */
    this.known = this.nodes.map((node) => (node.rule ? "" : node.gate));
    const digits = data.columns.reduce((most, { number }) => Math.max(most, String(number).length), 2);
    for (const column of data.columns)
      column.label = column.kind === "part" ? `from rank ${column.number}` : `t${String(column.number).padStart(digits, "0")}`;
    nameBands(data.bands);
    // The gates of a loop that the program wrote without scopes are shown as if it had named its steps.
    for (const node of this.nodes) {
      const { kind, label } = data.columns[node.column];
      if (node.gate && kind === "step" && !/(^|\/)t\d+(\/|$)/.test(node.scope)) node.scope = `${node.scope ?? data.bands[node.band].label}/${label}`;
    }
    this.replayed = null; // the result of recompute(), while a leaf is edited

    /** Forward: every gate, oldest first. Backward: every gate that a gradient reaches, newest first. */
    this.forward = this.nodes.flatMap((node, id) => (node.gate ? [id] : []));
    this.backward = this.forward.filter((id) => this.hasGrad(id)).reverse();
    this.positions = { forward: positionsIn(this.forward), backward: positionsIn(this.backward) };

    /** For each node, the gates that use it: {gate, input}, in the order in which their gradients arrive. */
    this.deliveries = this.nodes.map(() => []);
    /** For each gate and input, the number of its gradient among all that arrive at that input; -1 if it sends none. */
    this.places = new Map();
    for (const gate of this.backward) {
      const { inputs, sends } = this.nodes[gate];
      const deliver = (parent, input) => this.deliveries[parent].push({ gate, input }) - 1;
      this.places.set(gate, inputs.map((parent, input) => (sends?.[input] ? deliver(parent, input) : -1)));
    }
  }

  hasGrad(id) {
    return this.nodes[id].grad !== undefined;
  }

  value(id) {
    return this.edited("values", id, this.arrays[this.nodes[id].value]);
  }

  grad(id) {
    if (!this.hasGrad(id)) return null;
    return this.edited("grads", id, this.arrays[this.nodes[id].grad]);
  }

  /** The array of the run after an edit, if there was one. It is shown as images if the recorded array is. */
  edited(what, id, recorded) {
    const array = this.replayed?.[what][id];
    return array && recorded.pixels ? { ...array, pixels: array.values } : (array ?? recorded);
  }

  upstream() {
    return this.arrays[this.data.upstream];
  }

  /** The gradient that `gate` sends to its input number `input`, and the sum there before and after; null if it sends none. */
  delivery(gate, input) {
    const parent = this.nodes[gate].inputs[input];
    const all = this.deliveries[parent];
    const number = this.places.get(gate)?.[input] ?? -1;
    if (number < 0) return null;
    return {
      parent,
      number: number + 1,
      of: all.length,
      part: this.sent(all, number, "part"),
      before: number === 0 ? null : this.sent(all, number - 1, "sum"),
      after: this.sent(all, number, "sum"),
    };
  }

  /** The "part" or "sum" of delivery `number`. */
  sent(all, number, what) {
    const { gate, input } = all[number];
    const parent = this.nodes[gate].inputs[input];
    if (all.length === 1 || (what === "sum" && number === all.length - 1)) return this.grad(parent);
    if (this.replayed) return this.replayed.sent.get(`${gate}:${input}`)[what];
    return this.arrays[this.nodes[gate].sends[input][what]];
  }

  /** The gradient that `gate` should have sent to its input number `input`, if a check found that it sends a wrong one. */
  measured(gate, input) {
    const entry = this.nodes[gate].measured?.[input];
    return entry === undefined || entry === null || this.replayed ? null : this.arrays[entry];
  }

  /** The inputs in a step: all of them in a forward step, those that get a gradient in a backward step. */
  involved(gate, direction) {
    const { inputs, sends } = this.nodes[gate];
    return inputs.filter((_, input) => direction === "forward" || sends?.[input]);
  }

  /** The number of a node's consumers that have sent their gradient after backward step `step`. */
  reported(id, step) {
    return this.deliveries[id].filter(({ gate }) => this.positions.backward.get(gate) <= step).length;
  }

  rule(id) {
    return this.rules.get(this.nodes[id].rule ?? this.nodes[id].gate);
  }

  /** A node's name or, if it has none, its gate or kind. */
  title(id) {
    const node = this.nodes[id];
    return node.name ?? node.gate ?? (node.kind === "cut" ? "state behind the cut" : node.kind);
  }

  /** The array that a heat map shows: the weights of attention, or a softmax whose output ends in a square; otherwise null. */
  heat(id) {
    const { saved } = this.nodes[id];
    const array = saved && !this.replayed ? this.arrays[saved[1]] : this.known[id] === "Softmax" ? this.value(id) : null;
    if (!array || array.shape.length < 2) return null;
    const [rows, columns] = array.shape.slice(-2);
    return columns > 1 && (saved || rows === columns) && pixels(array)?.length >= count([rows, columns]) ? array : null;
  }

  /** The text in a node's box: the gate's symbol, or the last part of a leaf's name ("W_hh" of "rnn.cell.W_hh"). */
  symbol(id) {
    const node = this.nodes[id];
    if (node.kind === "cut") return "✂";
    if (node.gate) return this.rule(id).symbol || node.gate;
    return node.name?.match(/\.([^.]+)$/)?.[1] ?? node.name ?? node.kind;
  }

  /** Ids of nodes whose name, gate or scope contains the text. */
  find(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return [];
    return this.nodes.flatMap((node, id) =>
      [node.name, node.gate, node.scope].some((word) => word?.toLowerCase().includes(wanted)) ? [id] : [],
    );
  }
}

/** Label each band with its scope, without the names that all scopes begin with, and with its title. */
function nameBands(bands) {
  const paths = bands.map(({ scope }) => (scope ? scope.split("/") : []));
  const [first, ...others] = paths.filter(({ length }) => length);
  let common = 0;
  while (others.length && common < first.length && others.every((path) => path[common] === first[common])) common++;
  bands.forEach((band, number) => {
    const path = paths[number];
    band.label = [...(path.length > common ? path.slice(common) : path.slice(-1)), band.title].filter(Boolean).join("/");
  });
}

function positionsIn(order) {
  return new Map(order.map((id, position) => [id, position]));
}
