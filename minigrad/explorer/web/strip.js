// The strip under the graph: for each time step, the norms of dL/dh and of h, and the word at that step.
import { brief } from "./arrays.js";
import { el, foreign, shorten, svg } from "./dom.js";

const HEIGHT = 34;

/** Only this many last steps have bars, because a browser takes seconds to lay out thousands. */
const MOST_BARS = 1000;

export class Strip {
  /** `go(id)` jumps to the node that made a state. */
  constructor(root, model, go) {
    Object.assign(this, { root, model, go, chosen: 0, states: statesOf(model) });
    this.root.hidden = this.states.length === 0;
  }

  show() {
    if (this.root.hidden) return;
    const { states, model: { data: { bands } } } = this;
    const state = states[this.chosen];
    this.ids = state.ids.slice(-MOST_BARS);
    const left = state.ids.length - this.ids.length;
    const title = ({ label, band }) => `${label} of ${shorten(bands[band].label, 30)}`;
    const chooser = el("select", { "aria-label": "State", onchange: () => { this.chosen = Number(chooser.value); this.show(); this.mark(this.now); } },
      states.map((one, number) => el("option", { value: number, selected: number === this.chosen }, title(one))));
    this.reading = el("output", { class: "reading" });
    this.root.replaceChildren(
      el("figcaption", {}, states.length > 1 ? chooser : foreign(title(state)), " ", this.reading,
        left > 0 ? el("span", { class: "muted" }, `the last ${MOST_BARS} of ${state.ids.length} steps`) : null),
      el("div", { class: "bars" }, this.columns(state.label)));
  }

  columns(letter) {
    const grads = this.ids.map((id) => this.model.grad(id)?.norm ?? null);
    const values = this.ids.map((id) => this.model.value(id).norm);
    const most = (norms) => norms.reduce((high, norm) => (Number.isFinite(norm) ? Math.max(high, norm) : high), 0);
    const { columns, words } = this.model.data;
    const steps = columns.flatMap(({ kind }, column) => (kind === "step" ? [column] : []));
    const wordOf = new Map(steps.map((column, number) => [column, words[number]]));
    this.buttons = this.ids.map((id, number) => {
      const { column } = this.model.nodes[id];
      const step = columns[column].label;
      const word = wordOf.get(column);
      const grad = grads[number] === null ? "no gradient" : `norm of dL/d${letter} ${brief(grads[number])}`;
      const facts = `${step}${word === undefined ? "" : ` “${word}”`}: ${grad}, norm of ${letter} ${brief(values[number])}`;
      return el("button", { type: "button", class: grads[number] === null ? "starved" : "", "aria-label": facts, title: facts,
        onclick: () => this.go(id), onfocus: () => this.read(facts), onmouseenter: () => this.read(facts) },
        bar("gradient", grads[number] ?? 0, most(grads)), bar("state", values[number], most(values)),
        el("span", { class: "word" }, foreign(word === undefined ? step : shorten(word, 14))));
    });
    const title = (kind, text, high) => el("span", { class: `axis ${kind}` }, `${text} · up to ${brief(high)}`);
    this.reading.replaceChildren(title("gradient", `‖dL/d${letter}ₜ‖`, most(grads)), " ", title("state", `‖${letter}ₜ‖`, most(values)), " ", this.told = el("span", { class: "told" }));
    return this.buttons;
  }

  read(facts) {
    this.told.textContent = facts;
  }

  /** Mark the step that node `id` belongs to. */
  mark(id) {
    this.now = id;
    if (this.root.hidden || id === undefined) return;
    const { column } = this.model.nodes[id];
    this.buttons.forEach((button, number) => {
      const current = this.model.nodes[this.ids[number]].column === column;
      button.classList.toggle("current", current);
      button.setAttribute("aria-pressed", String(current));
    });
  }
}

function bar(kind, value, most) {
  const height = most > 0 && Number.isFinite(value) ? Math.max(value > 0 ? 1 : 0, (value / most) * HEIGHT) : 0;
  return svg("svg", { class: `bar ${kind}`, viewBox: `0 0 10 ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { x: 1, y: HEIGHT - height, width: 8, height }));
}

/**
 * The states: {band, label, ids}, with one id for each step. A state is a gate whose output another step uses. The last step
 * passes nothing on, so its states are the gates at the same places. Steps with an unusual structure are left out.
 */
export function statesOf({ nodes, forward, data: { columns } }) {
  const inSteps = forward.filter((id) => columns[nodes[id].column].kind === "step").sort((a, b) => nodes[a].column - nodes[b].column || a - b);
  const passed = new Set();
  for (const id of inSteps)
    for (const parent of nodes[id].inputs) {
      const source = nodes[parent].cut ?? parent;
      if (nodes[source].band === nodes[id].band && nodes[source].column !== nodes[id].column) passed.add(source);
    }
  return grouped(inSteps, (id) => nodes[id].band).flatMap((ids) => {
    const steps = grouped(ids, (id) => nodes[id].column);
    const alike = grouped(steps, (step) => step.map((id) => nodes[id].gate).join()).reduce((most, some) => (some.length > most.length ? some : most));
    const places = alike.map((step) => [...step.keys()].filter((n) => passed.has(step[n]))).find(({ length }) => length) ?? [];
    // The last gate computes h. The other state of an LSTM is c.
    const labels = ["h", "c", "state 3"];
    return places.reverse().slice(0, labels.length).map((n, which) => ({ band: nodes[ids[0]].band, label: labels[which], ids: alike.map((step) => step[n]) }));
  });
}

/** The items with the same key, in lists. */
function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), groups.get(keyOf(item)) ?? []).get(keyOf(item)).push(item);
  return [...groups.values()];
}
