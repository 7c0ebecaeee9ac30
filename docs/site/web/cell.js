// Cells: Python code that readers can change and run in the page.
//
// The built page contains each cell's highlighted code and its output. This script puts a text area over the code, and
// buttons below it. When the reader first presses Run, a worker loads Python.
import { Output } from "./output.js";
import { el, enqueue, python, settings, showLoaded, stop } from "./python.js";
import { read, write } from "./store.js";

const page = location.pathname.replace(/^.*?([^/]*\/?[^/]*)\.html$/, "$1");

export const cells = []; // the cells of the page

export class Cell {
  /** A cell of the page, or one that lesson.js adds, which has no cells above it. */
  constructor(element, index, alone = false) {
    this.element = element;
    this.number = index + 1;
    this.alone = alone;
    this.name = alone ? "your own lines" : `cell ${this.number}`;
    this.ran = false; // since Python was started
    this.output = new Output(element.querySelector(".cell-output"));
    this.code = element.querySelector("pre");
    this.source = this.code.textContent.replace(/\n$/, "");
    if (settings.sizes) this.addEditor();
  }

  addEditor() {
    this.editor = el("textarea", {
      "aria-label": `Code of ${this.name}`, "aria-describedby": "cells-keys", spellcheck: "false", autocapitalize: "off",
      autocomplete: "off", wrap: "off",
    });
    this.editor.value = this.source;
    this.lines = el("div", { class: "cell-lines", "aria-hidden": "true" });
    this.code.inert = true;
    this.code.before(this.lines);
    this.code.after(this.editor);
    const button = (label, act) => {
      const made = el("button", { type: "button", "aria-label": `${label} ${this.name}` }, label);
      made.onclick = act;
      return made;
    };
    this.runButton = button("Run", () => enqueue(this));
    this.stopButton = button("Stop", stop);
    this.resetButton = button("Reset", () => this.reset());
    this.status = el("span", { class: "cell-status", role: "status" });
    this.progress = el("span", { class: "cell-progress" });
    const buttons = [this.runButton, this.stopButton, this.resetButton];
    const label = el("span", { class: "cell-name" }, this.alone ? "" : `Cell ${this.number}`); // the name in error messages
    const bar = el("div", { class: "cell-bar" }, ...buttons, this.status, this.progress, label);
    this.element.querySelector(".cell-code").after(bar);
    this.stopButton.hidden = this.resetButton.hidden = true;
    this.editor.oninput = () => this.edited();
    this.editor.onscroll = () => (this.code.scrollLeft = this.editor.scrollLeft);
    this.editor.onkeydown = (event) => this.key(event);
    this.numberLines();
    const stored = this.alone ? null : read(this.key_);
    if (stored !== null) {
      this.editor.value = stored;
      this.edited();
    }
  }

  /** The name under which the reader's version is stored. */
  get key_() {
    return `cells/${page}#${this.number}`;
  }

  key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.shiftKey) return void enqueue(this);
    const line = this.editor.value.slice(0, this.editor.selectionStart).split("\n").pop();
    const indent = /^ */.exec(line)[0] + (/:\s*$/.test(line) ? "    " : "");
    document.execCommand("insertText", false, `\n${indent}`); // can be undone, unlike a new value
  }

  edited() {
    this.code.textContent = `${this.editor.value}\n`; // sets the size of the text area
    this.element.classList.add("cell-edited");
    this.resetButton.hidden = this.editor.value === this.source;
    this.numberLines();
    if (!this.alone) write(this.key_, this.editor.value === this.source ? null : this.editor.value);
    this.ran = false;
    for (const below of cells.slice(this.number)) below.stale(this.number);
  }

  /** Say that the output is out of date, because a cell above it changed after this cell had run. */
  stale(number) {
    if (!this.ran || this.alone) return;
    this.ran = false;
    this.element.classList.add("cell-stale");
    this.say(`Out of date: cell ${number} has changed.`);
  }

  numberLines() {
    this.lines.textContent = this.editor.value.split("\n").map((_, line) => line + 1).join("\n");
  }

  reset() {
    this.editor.value = this.source;
    this.edited();
    this.editor.focus();
  }

  say(text) {
    this.status.textContent = text;
  }

  busy(whether) {
    this.element.classList.toggle("cell-busy", whether);
    if (!whether && document.activeElement === this.stopButton) this.runButton.focus();
    this.stopButton.hidden = !whether;
    this.progress.replaceChildren();
  }

  /** Run only this cell. Resolves to false after an error. */
  async execute() {
    this.busy(true);
    try {
      if (!python.worker) this.say(python.before ? "Starting Python again." : "Loading Python, NumPy, Graphviz and minigrad.");
      await python.load(({ loaded }) => showLoaded(this.progress, loaded));
      this.progress.replaceChildren();
      this.say("Running.");
      this.output.clear();
      this.element.classList.remove("cell-stale");
      const start = performance.now();
      this.ran = true;
      const message = { kind: "cell", name: this.alone ? "Your lines" : `Cell ${this.number}`, source: this.editor.value, ...this.more };
      const { ended } = await python.ask(message, (piece) => piece.loaded || this.output.show(piece));
      this.output.flush();
      this.say(ended ? `Ran in ${((performance.now() - start) / 1000).toFixed(2)} s.` : "Ended with an error.");
      return ended;
    } catch (error) {
      this.output.flush();
      this.say(error.message);
      throw error;
    } finally {
      this.busy(false);
    }
  }

  /** Run this cell. Cells above it that have not run yet run first, because it may use their variables. */
  async start() {
    this.busy(true);
    try {
      const above = this.alone ? [] : cells.slice(0, this.number - 1).filter((other) => !other.ran);
      for (const other of above) {
        this.say(`Running cell ${other.number} first.`);
        if (!(await other.execute())) return this.say(`Not run, because cell ${other.number} ended with an error.`);
      }
      await this.execute();
    } catch (error) {
      this.say(error.message);
      if (python.before) void restart(this, error.message);
    } finally {
      this.busy(false);
    }
  }
}

/** Start Python again after a stop, so that the next Run does not have to wait. */
export async function restart(job, reason) {
  job.say(`${reason} Python is starting again.`);
  try {
    await python.load(() => {});
    job.say(`${reason} Python is ready again.${job.number > 1 ? " Run also runs the cells above again." : ""}`);
  } catch (error) {
    job.say(error.message);
  }
}

for (const element of document.querySelectorAll(".cell")) cells.push(new Cell(element, cells.length));
python.onstop.push(() => cells.forEach((cell) => (cell.ran = false)));
window.addEventListener("resize", () => cells.forEach((cell) => cell.output.tidy()));
document.documentElement.classList.add("served"); // hides the note that the page needs a server
