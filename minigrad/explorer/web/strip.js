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
    const choose = () => {
      this.chosen = Number(chooser.value);
      this.show();
      this.mark(this.now);
      this.root.querySelector("select").focus();
    };
    const chooser = el("select", { "aria-label": "State", onchange: choose },
      states.map((one, number) => el("option", { value: number, selected: number === this.chosen }, title(one))));
    this.reading = el("output", { class: "reading" });
    // One slider, because a bar of a long text is too narrow to be a button.
    this.bars = el("div", { class: "bars", role: "slider", tabindex: 0, "aria-label": `Time step of ${title(state)}`, "aria-valuemin": 0, "aria-valuemax": this.ids.length - 1,
      onkeydown: (event) => this.key(event), onfocus: () => this.read(this.number) }, this.columns(state.label));
    this.root.replaceChildren(
      el("figcaption", {}, states.length > 1 ? chooser : foreign(title(state)), " ", this.reading,
        left > 0 ? el("span", { class: "muted" }, `the last ${MOST_BARS} of ${state.ids.length} steps`) : null),
      this.bars);
    this.value(this.ids.length - 1);
  }

  columns(letter) {
    const grads = this.ids.map((id) => this.model.grad(id)?.norm ?? null);
    const values = this.ids.map((id) => this.model.value(id).norm);
    const most = (norms) => norms.reduce((high, norm) => (Number.isFinite(norm) ? Math.max(high, norm) : high), 0);
    const { columns, words } = this.model.data;
    const steps = columns.flatMap(({ kind }, column) => (kind === "step" ? [column] : []));
    const wordOf = new Map(steps.map((column, number) => [column, words[number]]));
    this.facts = [];
    const bars = this.ids.map((id, number) => {
      const { column } = this.model.nodes[id];
      const step = columns[column].label;
      const word = wordOf.get(column);
      const grad = grads[number] === null ? "no gradient" : `norm of dL/d${letter} ${brief(grads[number])}`;
      this.facts[number] = `${step}${word === undefined ? "" : ` “${word}”`}: ${grad}, norm of ${letter} ${brief(values[number])}`;
      return el("span", { class: grads[number] === null ? "step starved" : "step", title: this.facts[number], onclick: () => this.go(id), onmouseenter: () => this.read(number) },
        bar("gradient", grads[number] ?? 0, most(grads)), bar("state", values[number], most(values)),
        el("span", { class: "word" }, foreign(word === undefined ? step : shorten(word, 14))));
    });
    const title = (kind, text, high) => el("span", { class: `axis ${kind}` }, `${text} · up to ${brief(high)}`);
    this.reading.replaceChildren(title("gradient", `‖dL/d${letter}ₜ‖`, most(grads)), " ", title("state", `‖${letter}ₜ‖`, most(values)), " ", this.told = el("span", { class: "told" }));
    return bars;
  }

  read(number) {
    this.told.textContent = this.facts[number];
  }

  key(event) {
    const last = this.ids.length - 1;
    const { number } = this;
    const to = { ArrowRight: number + 1, ArrowUp: number + 1, ArrowLeft: number - 1, ArrowDown: number - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault(); // the keys would go to another step of the computation
    this.go(this.ids[Math.min(Math.max(to, 0), last)]);
    this.read(this.number);
  }

  /** Set the slider to a time step. */
  value(number) {
    this.number = number;
    this.bars.setAttribute("aria-valuenow", number);
    this.bars.setAttribute("aria-valuetext", this.facts[number]);
  }

  /** Mark the step that node `id` belongs to. */
  mark(id) {
    this.now = id;
    if (this.root.hidden || id === undefined) return;
    const { column } = this.model.nodes[id];
    this.bars.querySelector(".current")?.classList.remove("current");
    const number = this.ids.findIndex((state) => this.model.nodes[state].column === column);
    if (number < 0) return; // before or after all steps
    this.value(number);
    this.bars.children[number].classList.add("current");
    reveal(this.bars.children[number]);
  }
}

/** Scroll the bars alone, not the page, until this one is in view. */
function reveal({ parentElement: bars, offsetLeft, offsetWidth }) {
  const [start, end] = [offsetLeft - bars.offsetLeft, offsetLeft - bars.offsetLeft + offsetWidth];
  if (start < bars.scrollLeft) bars.scrollLeft = start;
  if (end > bars.scrollLeft + bars.clientWidth) bars.scrollLeft = end - bars.clientWidth;
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
