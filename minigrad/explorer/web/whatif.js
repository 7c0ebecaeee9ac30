// The what-if panel: edits a number in a leaf, and compares the gradient with a finite difference.
import { brief, count, elementText, indicesOf, placeOf, shapeText } from "./arrays.js";
import { el, foreign, shorten } from "./dom.js";
import { showArray } from "./grid.js";
import { editable, finiteDifference, ownLeaves, recompute } from "./recompute.js";

export class WhatIf {
  /** `changed()` is called after each edit, with model.replayed set. */
  constructor(root, model, changed) {
    Object.assign(this, { root, model, changed, on: false, place: 0 });
    this.leaves = model.data.replay.leaves ? ownLeaves(model) : null;
    this.choices = editable(model);
    this.leaf = this.choices.find((id) => model.nodes[id].kind === "parameter") ?? this.choices[0];
  }

  show() {
    this.root.hidden = !this.on;
    if (!this.on) return;
    const { why_not: whyNot } = this.model.data.replay;
    if (whyNot || !this.choices.length)
      return this.root.replaceChildren(el("h2", {}, "What if"), el("p", {}, whyNot ?? "No leaf of this graph contains floating-point numbers."));
    this.recorded ??= this.now = recompute(this.model, this.leaves);
    const shape = this.model.data.replay.shapes[this.leaf];
    this.input = el("input", { id: "new-value", type: "number", step: "any", oninput: () => this.edit(this.input.valueAsNumber) });
    this.range = el("input", { id: "new-value-range", type: "range", step: "any", "aria-label": "New value", oninput: () => this.edit(this.range.valueAsNumber, this.range) });
    this.index = el("input", { id: "leaf-index", type: "text", value: indicesOf(this.place, shape).join(", "), size: 8, "aria-describedby": "leaf-index-fault", oninput: () => this.pickText(this.index.value) });
    this.fault = el("p", { id: "leaf-index-fault", role: "status", class: "fault" });
    this.grid = el("div");
    this.outcome = el("dl", { class: "facts outcome" });
    this.root.replaceChildren(
      el("h2", {}, "What if"),
      el("p", {}, el("label", {}, "Leaf ", this.chooser()), " ",
        shape.length ? el("label", {}, "element ", this.index) : null),
      this.fault,
      this.grid,
      el("p", { class: "value-row" }, el("label", { for: "new-value" }, "becomes "), this.input, this.range, " ",
        el("button", { type: "button", id: "reset", onclick: () => this.reset() }, "Reset")),
      el("div", { role: "status" }, this.outcome));
    this.refresh(true);
  }

  chooser() {
    const choose = () => {
      this.leaf = Number(select.value);
      this.place = 0;
      this.show();
      this.root.querySelector("select").focus();
    };
    const select = el("select", { id: "leaf", onchange: choose },
      this.choices.map((id) => {
        const value = this.model.arrays[this.model.nodes[id].value];
        const what = value.size === 1 ? ` (${brief(value.first)})` : ` ${shapeText(value.shape)}`;
        return el("option", { value: id, selected: id === this.leaf }, shorten(this.model.title(id), 50), what);
      }));
    return select;
  }

  pickText(text) {
    const shape = this.model.data.replay.shapes[this.leaf];
    const place = placeOf(text.split(/[\s,]+/).filter(Boolean).map(Number), shape);
    if (place >= 0) return this.pick(place);
    this.index.setAttribute("aria-invalid", "true");
    this.fault.textContent = `The leaf has no element “${text}”. Its shape is ${shapeText(shape)}: type indices from ${shape.map(() => 0).join(", ")} to ${shape.map((length) => length - 1).join(", ")}.`;
  }

  pick(place) {
    this.place = place;
    this.index.setAttribute("aria-invalid", "false");
    this.fault.textContent = "";
    if (document.activeElement !== this.index) this.index.value = indicesOf(place, this.model.data.replay.shapes[this.leaf]).join(", ");
    this.refresh(true);
  }

  /** Put a number into the chosen element, and run the graph again. An empty or incomplete number is ignored. */
  edit(number, source = this.input) {
    if (!Number.isFinite(number)) return;
    this.leaves.get(this.leaf)[this.place] = number;
    this.now = this.model.replayed = recompute(this.model, this.leaves);
    this.refresh(false, source);
    this.changed();
  }

  reset() {
    this.leaves = ownLeaves(this.model);
    this.model.replayed = null;
    this.now = this.recorded;
    this.refresh(true);
    this.changed();
  }

  refresh(newElement, source = null) {
    const shape = this.model.data.replay.shapes[this.leaf];
    const value = this.leaves.get(this.leaf)[this.place];
    if (newElement) {
      const reach = Math.max(1, 2 * Math.abs(value));
      this.range.min = value - reach;
      this.range.max = value + reach;
    }
    if (source !== this.input) this.input.value = Number(value.toPrecision(7));
    if (source !== this.range) this.range.value = value;
    const picked = this.grid.contains(document.activeElement);
    const one = count(shape) === 1;
    this.grid.replaceChildren(one ? "" : showArray(this.model.value(this.leaf), "leaf", { pick: (place) => this.pick(place), marked: this.place }));
    if (picked) this.grid.querySelector(".marked button")?.focus();
    this.tell(shape);
  }

  tell(shape) {
    const { model, leaf, place, now } = this;
    const gradient = now.grads[leaf] ? now.grads[leaf].values[place] : null;
    const difference = finiteDifference(model, this.leaves, leaf, place, now.raw);
    const name = foreign(elementText(shorten(model.title(leaf), 24), place, shape));
    const rows = [
      [["L with the recorded numbers"], brief(this.recorded.loss, 7), "loss-before"],
      [["L now"], brief(now.loss, 7), "loss-now"],
      [["dL/d ", name, ", by backward"], gradient === null ? "none" : brief(gradient, 7), "by-backward"],
      [["the same, by finite difference"], brief(difference, 7), "by-difference"],
    ];
    if (gradient !== null) {
      const error = Math.abs(gradient - difference) / Math.max(1, Math.abs(gradient), Math.abs(difference));
      rows.push([["they differ by"], error < 1e-6 ? "less than 1e−6" : brief(error, 2), "error"]);
    }
    this.outcome.replaceChildren(...rows.map(([title, text, id]) => el("div", { id }, el("dt", {}, title), el("dd", {}, text))));
  }
}
