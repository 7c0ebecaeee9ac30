// The list of the graph: an alternative to the picture, with a row for each node in the order of the computation.
import { brief, counted, shapeText } from "./arrays.js";
import { el, shorten } from "./dom.js";

const ROWS = 100; // that are shown at once
const MOST_NUMBERS = 6;

export class List {
  /** `go(id)` jumps to a node. */
  constructor(root, model, go) {
    Object.assign(this, { root, model, go, now: null, first: -1 });
    root.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !event.target.matches("td button")) return;
      event.preventDefault();
      go(Math.min(Math.max(this.now + step, 0), model.nodes.length - 1));
      this.focusNode(this.now);
    });
  }

  /** Mark node `id` as the current one. With `secret`, which the quiz needs, the list hides all gradients. */
  mark(id, secret) {
    const changed = secret !== this.secret;
    Object.assign(this, { now: id, secret });
    if (this.root.hidden) return;
    const first = Math.floor(id / ROWS) * ROWS;
    if (changed || first !== this.first) this.show(first);
    this.row?.removeAttribute("aria-current");
    this.row?.querySelector("button").setAttribute("tabindex", "-1");
    this.row = this.root.querySelector(`[data-id="${id}"]`);
    this.row.setAttribute("aria-current", "step");
    this.row.querySelector("button").setAttribute("tabindex", "0");
    // Scroll the list alone, not the page.
    const { offsetTop: top, offsetHeight: height } = this.row;
    const head = this.root.querySelector("thead").offsetHeight;
    if (top - head < this.root.scrollTop) this.root.scrollTop = top - head;
    if (top + height > this.root.scrollTop + this.root.clientHeight) this.root.scrollTop = top + height - this.root.clientHeight;
  }

  /** Move the focus to the row of node `id`, which is the current one. */
  focusNode(id) {
    this.root.querySelector(`[data-id="${id}"] button`).focus();
  }

  /** Go to other rows. The focus stays on the button of this name or, at the end of the list, moves to the current row. */
  turn(to, name) {
    this.go(to);
    const button = [...this.root.querySelectorAll("caption button:enabled")].find(({ textContent }) => textContent === name);
    if (button) button.focus();
    else this.focusNode(this.now);
  }

  /** Show the rows from node `first` on. */
  show(first) {
    const { nodes } = this.model;
    this.first = first;
    const end = Math.min(first + ROWS, nodes.length);
    const turn = (to, text) => el("button", { type: "button", disabled: to < 0 || to >= nodes.length, onclick: () => this.turn(to, text) }, text);
    const heads = ["No.", "Gate or leaf", "Inputs", "Value", "Gradient"].map((text) => el("th", { scope: "col" }, text));
    this.root.replaceChildren(
      el("table", {},
        el("caption", {}, `${first + 1} to ${end} of ${counted(nodes.length, "node")}, in the order of the computation. `,
          nodes.length > ROWS ? [turn(first - ROWS, "Earlier"), " ", turn(first + ROWS, "Later")] : null),
        el("thead", {}, el("tr", {}, heads)),
        el("tbody", {}, nodes.slice(first, end).map((_, n) => this.line(first + n)))));
  }

  line(id) {
    const { model } = this;
    const node = model.nodes[id];
    const name = node.gate && node.name ? `${node.gate} ${node.name}` : model.title(id);
    const inputs = (node.inputs ?? []).slice(0, MOST_NUMBERS).map((parent) => `${shorten(model.title(parent), 30)} (${parent + 1})`);
    if (node.inputs?.length > MOST_NUMBERS) inputs.push(`${node.inputs.length - MOST_NUMBERS} more`);
    const gradient = model.hasGrad(id) ? (this.secret ? "hidden by the quiz" : numbers(model.grad(id))) : node.starved ? "none reaches it" : "none";
    return el("tr", { "data-id": id },
      el("td", {}, id + 1),
      el("td", {}, el("button", { type: "button", class: "link", tabindex: -1, onclick: () => this.go(id) }, breakable(shorten(name, 60))),
        el("span", { class: `muted${node.gate ? " scope" : ""}` }, node.gate ? (node.scope ? [" in ", breakable(shorten(node.scope, 60))] : "") : node.name ? ` ${node.kind}` : "")),
      el("td", {}, breakable(inputs.join(", "))), el("td", {}, numbers(model.value(id))), el("td", {}, gradient));
  }
}

/** A name in a narrow column: it may break after a dot or a slash, and before a capital letter. */
function breakable(text) {
  return el("bdi", {}, text.split(/(?<=[./])|(?<=[a-z])(?=[A-Z])/).flatMap((part) => [part, el("wbr")]));
}

/** An array in a few words: "0.5", "(3,) 1, 2, 3", or "(32, 10) norm 4.1". */
function numbers(array) {
  if (!array.shape.length) return brief(array.first);
  const all = array.values && array.size <= MOST_NUMBERS;
  return `${shapeText(array.shape)} ${all ? array.values.map((x) => brief(x)).join(", ") : `norm ${brief(array.norm)}`}`;
}
