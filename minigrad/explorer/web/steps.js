// The panel for one step: the gate, the gradient that arrives, its rule with numbers, and the gradients of its inputs.
import { brief, byName, counted } from "./arrays.js";
import { el, foreign, shorten } from "./dom.js";
import { explainBackward, explainForward, inputNames } from "./explain.js";
import { caption, showArray } from "./grid.js";
import { heatMap } from "./heat.js";
import { windowPicture } from "./windows.js";

/** A gate may have thousands of inputs. A step shows at most this many. */
const MOST_INPUTS = 50;

/** A backward step. `hidden` is the input whose gradient the quiz is asking for, or -1; `go(id)` jumps to a node. */
export function backwardStep(model, id, go, hidden = -1) {
  const node = model.nodes[id];
  const names = inputNames(model.known[id], node.inputs.length);
  const arrives = id === model.root ? "Starting gradient: dL/d(output)" : "Upstream gradient: dz";
  return [
    heading(model, id, "Backward through"),
    hidden === 0 ? null : windowPicture(model, id, true, model.delivery(id, 0)?.part),
    heatMap(model, id),
    block(arrives, model.grad(id), "dz", "upstream"),
    ruleOf(model, id),
    savedOf(model, id),
    ...inputsOf(node, (parent, input) => deliveryOf(model, id, input, names[input], go, hidden === input)),
    details("Inputs and output of the gate", () => [
      ...inputsOf(node, (parent, n) => block(`${names[n]}: `, model.value(parent), names[n], "", foreign(shorten(model.title(parent), 40)))),
      block("z: the output", model.value(id), "z"),
    ]),
  ];
}

/** A forward step: the inputs, the rule, the output. */
export function forwardStep(model, id, go) {
  const node = model.nodes[id];
  const names = inputNames(model.known[id], node.inputs.length);
  return [
    heading(model, id, "Forward through"),
    windowPicture(model, id),
    heatMap(model, id),
    ...inputsOf(node, (parent, n) => block(`${names[n]}: `, model.value(parent), names[n], "", link(model, parent, go))),
    ruleOf(model, id),
    lines(explainForward(model, id)),
    savedOf(model, id),
    block("z: the output", model.value(id), "z", "result"),
  ];
}

function inputsOf(node, show) {
  const left = node.inputs.length - MOST_INPUTS;
  const more = left > 0 ? el("p", { class: "muted more" }, `${counted(left, "more input")} not shown`) : null;
  return [...node.inputs.slice(0, MOST_INPUTS).map(show), more];
}

const LEAVES = byName({
  parameter: "Parameter: a leaf that requires a gradient",
  input: "Input: a leaf that requires no gradient",
  constant: "Constant: a leaf that requires no gradient",
  cut: "A state behind a cut: its value continues, but its gradient stops here",
});

const ORIGINS = byName({
  constants: "It was computed from tensors that require no gradient, so nothing was recorded.",
  no_grad: "It was computed inside no_grad, so nothing was recorded.",
  detached: "It was detached from its history.",
});

/** A leaf: its value, its gradient, and the gradients that its consumers have sent up to backward step `step`. */
export function leafCard(model, id, step, go) {
  const node = model.nodes[id];
  const all = model.deliveries[id];
  return [
    heading(model, id, LEAVES.get(node.kind)),
    node.origin ? el("p", {}, ORIGINS.get(node.origin) ?? node.origin) : null,
    block("Value", model.value(id), "value"),
    model.hasGrad(id)
      ? block("Gradient at the end of this backward pass", model.grad(id), "gradient", "leaf-gradient")
      : el("p", { class: "muted" }, node.starved ? starvedText(node) : "This leaf has no gradient."),
    node.stored !== undefined && !model.replayed
      ? block(".grad differs: it is the sum of several backward calls, or comes from a call that this page does not show", model.arrays[node.stored], ".grad")
      : null,
    all.length ? el("p", {}, `${reports(model.reported(id, step), all.length)} at this step:`) : null,
    all.length
      ? el("ol", { class: "consumers" }, all.slice(0, 200).map(({ gate, input }) => el("li", {}, link(model, gate, go), sentNorm(model, gate, input))))
      : null,
    all.length > 200 ? el("p", { class: "muted" }, `and ${all.length - 200} more`) : null,
  ];
}

function starvedText(node) {
  return node.kind === "cut" ? "No gradient passes the cut." : "No gradient reaches this leaf, because every path from the output is cut or has a gradient of zero.";
}

function sentNorm(model, gate, input) {
  const { part } = model.delivery(gate, input);
  return el("span", { class: "muted" }, part.size === 1 ? ` sends ${brief(part.first)}` : ` sends norm ${brief(part.norm)}`);
}

function deliveryOf(model, id, input, name, go, hidden) {
  const parent = model.nodes[id].inputs[input];
  const delivery = model.delivery(id, input);
  const title = el("h3", {}, "To ", el("span", { class: "letter" }, name), ": ", link(model, parent, go));
  if (!delivery) {
    const why = model.nodes[parent].kind === "cut" ? "Nothing: this is the cut. The gradient stops here."
      : model.hasGrad(parent) || model.nodes[parent].gate || model.nodes[parent].kind === "parameter" ? "Nothing: this gate sends no gradient to this input."
      : "Nothing: this input requires no gradient.";
    return el("section", { class: "delivery" }, title, el("p", { class: "muted" }, why));
  }
  const { number, of, part, before, after } = delivery;
  if (hidden) return el("section", { class: "delivery", "data-parent": parent }, title, el("p", { class: "muted" }, "Hidden, because the quiz asks for this gradient."));
  const measured = model.measured(id, input);
  const differs = measured ? differing(part, measured) : null;
  const comparison = measured
    ? [
        el("p", { class: "wrong" }, "✗ This gate's rule disagrees with finite differences of its forward pass."),
        block("From the rule", part, `d${name}`, "recorded", null, differs),
        block("From finite differences", measured, "measured", "measured", null, differs),
      ]
    : [];
  const sum = of === 1
    ? measured ? [] : [block("Gradient", after, `dL/d${name}`, "after")]
    : [
        before ? block("Before", before, "before", "before") : el("p", { class: "muted" }, "Before: no gradient has arrived yet."),
        block("+= the gradient from this gate", part, `d${name}`, "part"),
        block("After", after, "after", "after"),
      ];
  return el("section", { class: "delivery", "data-parent": parent }, title,
    lines(explainBackward(model, id, input, part)), ...comparison, ...sum,
    el("p", { class: "report" }, el("meter", { min: 0, max: of, value: number, "aria-hidden": "true" }), ` ${reports(number, of)}`, number === of ? el("strong", {}, " · complete") : ""));
}

function reports(number, of) {
  return `${number} of ${counted(of, "consumer")} ${of === 1 ? "has" : "have"} reported`;
}

function heading(model, id, doing) {
  const node = model.nodes[id];
  const place = [node.scope ? foreign(shorten(node.scope, 200)) : "the top level"];
  if (node.source) place.push(" · ", el("code", {}, foreign(shorten(node.source, 200))));
  return el("header", {},
    el("p", { class: "doing" }, doing),
    el("h2", {}, foreign(shorten(node.gate ?? model.title(id), 300)), node.gate && node.name ? [" ", foreign(shorten(node.name, 300))] : null),
    el("p", { class: "place" }, "in ", place),
    node.settings ? el("p", { class: "place" }, el("code", {}, foreign(node.settings))) : null);
}

function ruleOf(model, id) {
  const { text } = model.rule(id);
  return text ? el("p", { class: "rule" }, foreign(shorten(text, 800))) : null;
}

/** The attention weights, which the heat map shows as well. What-if does not compute them again. */
function savedOf(model, id) {
  const { saved } = model.nodes[id];
  return saved && !model.replayed ? block(saved[0], { ...model.arrays[saved[1]], pixels: null }, "saved", "saved") : null;
}

function lines(texts) {
  return texts.length ? el("div", { class: "numbers" }, texts.map((text) => el("p", {}, text))) : null;
}

/** The places where two arrays differ by more than rounding. */
function differing(one, other) {
  if (!one.values || !other.values) return null;
  const far = (a, b) => !(Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(b)) * (one.dtype === "float64" ? 0.01 : 1));
  return new Set(one.values.flatMap((a, place) => (far(a, other.values[place]) ? [place] : [])));
}

function block(title, array, label, role = "", after = null, differs = null) {
  return el("div", { class: "array", "data-role": role || null },
    el("p", { class: "array-title" }, title, after, " ", el("span", { class: "muted" }, caption(array))),
    showArray(array, label, { differs }));
}

// A collapsed section. Its content is made when it is opened, which rarely happens.
function details(summary, children) {
  const element = el("details", { ontoggle: () => element.children.length === 1 && element.append(...children().filter(Boolean)) }, el("summary", {}, summary));
  return element;
}

function link(model, id, go) {
  const text = shorten(model.title(id), 40);
  const scope = model.nodes[id].scope;
  return el("button", { type: "button", class: "link", onclick: () => go(id) }, foreign(text), scope ? el("span", { class: "muted" }, " in ", foreign(shorten(scope, 60))) : null);
}
