// The graph of one page: its nodes, their values and gradients, and what each gate sends to each input, and when.
import { byName, decode } from "./arrays.js";

export class Model {
  constructor(data) {
    this.data = data;
    this.nodes = data.nodes;
    this.root = data.root;
    this.arrays = data.arrays.map(decode);
    this.rules = byName(data.rules);
    /** The gate of a node if it is one of minigrad's own, whose formulas the page knows. */
    this.known = this.nodes.map((node) => (node.rule ? "" : node.gate));
    this.replayed = null; // the result of recompute(), while a leaf is edited

    /** Forward: every gate, oldest first. Backward: every gate that a gradient reaches, newest first. */
    this.forward = this.nodes.flatMap((node, id) => (node.gate ? [id] : []));
    this.backward = this.forward.filter((id) => this.hasGrad(id)).reverse();
    this.positions = { forward: positionsIn(this.forward), backward: positionsIn(this.backward) };

    /** For each node, the gates that use it: {gate, input}, in the order in which their gradients arrive. */
    this.deliveries = this.nodes.map(() => []);
    /** For each gate, the place of what it sends to each input among all that arrives there; -1 if it sends nothing. */
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
    return this.replayed?.values[id] ?? this.arrays[this.nodes[id].value];
  }

  grad(id) {
    if (!this.hasGrad(id)) return null;
    return this.replayed?.grads[id] ?? this.arrays[this.nodes[id].grad];
  }

  upstream() {
    return this.arrays[this.data.upstream];
  }

  /** What `gate` sends to its input number `input`, and the sum there before and after; null if it sends nothing. */
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

  /** What `gate` should have sent to its input number `input`, if a check found that it sends something else. */
  measured(gate, input) {
    const entry = this.nodes[gate].measured?.[input];
    return entry === undefined || entry === null || this.replayed ? null : this.arrays[entry];
  }

  /** The inputs that a step involves: forward, all that the gate reads; backward, those that it sends a gradient to. */
  involved(gate, direction) {
    const { inputs, sends } = this.nodes[gate];
    return inputs.filter((_, input) => direction === "forward" || sends?.[input]);
  }

  /** How many of a node's consumers have sent their gradient once backward step `step` is done. */
  reported(id, step) {
    return this.deliveries[id].filter(({ gate }) => this.positions.backward.get(gate) <= step).length;
  }

  rule(id) {
    return this.rules.get(this.nodes[id].rule ?? this.nodes[id].gate);
  }

  /** A node's name or, if it has none, what it is. */
  title(id) {
    const node = this.nodes[id];
    return node.name ?? node.gate ?? (node.kind === "cut" ? "state behind the cut" : node.kind);
  }

  /** What its box shows: the gate's symbol, or the last part of the leaf's name ("W_hh" of "rnn.cell.W_hh"). */
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

function positionsIn(order) {
  return new Map(order.map((id, position) => [id, position]));
}
