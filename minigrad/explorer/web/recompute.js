// Runs the graph again with other numbers in its leaves. The functions do not change their arguments.
import { count, fromValues } from "./arrays.js";
import { call } from "./gates.js";

/** The leaves' recorded numbers, as a Map from id to a copy of the values, which may be edited. */
export function ownLeaves(model) {
  return new Map(Object.entries(model.data.replay.leaves).map(([id, values]) => [Number(id), values.map(Number)]));
}

/** The values of all nodes. A state behind a cut equals the node that it was cut from, unless `held` fixes its values. */
export function runForward(model, leaves, held = null) {
  const { recipes, shapes } = model.data.replay;
  const values = [];
  model.nodes.forEach((node, id) => {
    const shape = shapes[id];
    if (node.gate) {
      const inputs = node.inputs.map((parent) => ({ shape: shapes[parent], values: values[parent] }));
      values[id] = call(recipes[id], inputs, shape).forward();
    } else if (node.cut !== undefined) values[id] = held ? held[id] : values[node.cut];
    else values[id] = leaves.get(id);
  });
  return values;
}

/** The number that the backward pass differentiates: the sum of output times upstream gradient. */
export function lossOf(model, values) {
  const upstream = model.data.replay.upstream.map(Number);
  return values[model.root].reduce((sum, value, n) => sum + value * upstream[n], 0);
}

/** Run the graph forward and backward. The result has the form that Model reads. */
export function recompute(model, leaves) {
  const { recipes, shapes, upstream } = model.data.replay;
  const values = runForward(model, leaves);
  const grads = new Map([[model.root, Float64Array.from(upstream, Number)]]);
  const sent = new Map();
  for (const id of model.backward) {
    const node = model.nodes[id];
    const inputs = node.inputs.map((parent) => ({ shape: shapes[parent], values: values[parent] }));
    const parts = call(recipes[id], inputs, shapes[id]).backward(grads.get(id), values[id]);
    node.inputs.forEach((parent, input) => {
      if (!node.sends[input]) return;
      const part = Float64Array.from(parts[input]);
      const sum = grads.has(parent) ? grads.get(parent).map((g, n) => g + part[n]) : part;
      grads.set(parent, sum);
      sent.set(`${id}:${input}`, { part: fromValues(shapes[parent], part), sum: fromValues(shapes[parent], sum) });
    });
  }
  return {
    raw: values,
    values: values.map((one, id) => fromValues(shapes[id], one)),
    grads: values.map((one, id) => grads.has(id) && fromValues(shapes[id], grads.get(id))),
    sent,
    loss: lossOf(model, values),
  };
}

/**
 * (L(v + e) - L(v - e)) / 2e for one element of one leaf. States behind cuts stay fixed at their values in `held`, because
 * the gradient treats them as constants too.
 */
export function finiteDifference(model, leaves, id, place, held) {
  const value = leaves.get(id)[place];
  const step = 1e-5 * Math.max(1, Math.abs(value));
  const [up, down] = [step, -step].map((change) => {
    const changed = leaves.get(id).slice();
    changed[place] = value + change;
    return lossOf(model, runForward(model, new Map(leaves).set(id, changed), held));
  });
  return (up - down) / (2 * step);
}

/** The leaves whose elements may be edited, which are those with floating-point numbers. */
export function editable(model) {
  if (!model.data.replay.leaves) return [];
  return Object.keys(model.data.replay.leaves)
    .map(Number)
    .filter((id) => model.arrays[model.nodes[id].value].dtype.startsWith("float") && count(model.data.replay.shapes[id]) > 0);
}
