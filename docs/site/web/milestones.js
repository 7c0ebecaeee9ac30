// The page of the milestones: what the learner's networks have reached, in the table, and the editor of the learner's engine.
import { createEditor } from "./editor.js";
import { ENGINE, LESSON, courseEngine, hasEngine, offerEngine } from "./engine.js";
import { el, tell } from "./python.js";
import { isBegun, isPassed, isRefused, progress, read, watch, write } from "./store.js";

const UNDO = `reset/${ENGINE}`;

const root = document.querySelector(".course-milestones");
const milestones = JSON.parse(root.querySelector("script").textContent); // [{name, number, title, file}]
const count = el("p");
const box = el("div", { class: "lesson" });
document.querySelector("article .table-wrapper").after(count);
root.append(box);

/** Show below each link in the table whether the milestone is done, and how many are. */
function show() {
  for (const { name } of milestones) {
    const link = document.querySelector(`article table a[href$="/${name}.html"]`);
    link.parentElement.querySelector(".milestone-state")?.remove();
    link.after(el("span", { class: "milestone-state" }, state(name)));
  }
  const done = milestones.filter(({ name }) => isPassed(name)).length;
  count.textContent = `${done} of ${milestones.length} milestones done.`;
}

function state(name) {
  const { loss, seconds } = progress()[name] ?? {};
  if (!isPassed(name)) return isBegun(name) ? "… begun" : "not done";
  return loss === undefined ? "✓ done" : `✓ done: loss ${Number(loss.toPrecision(2))} in ${seconds.toFixed(1)} s`;
}

class Engine {
  constructor() {
    this.status = el("span", { class: "cell-status", role: "status" });
    const button = (label, act) => {
      const made = el("button", { type: "button" }, label);
      made.onclick = act;
      return made;
    };
    this.copyButton = button("Copy lesson 7's file again", () => this.replace(read(`${LESSON}.py`), `${LESSON}.py`));
    this.courseButton = button("Use the course's engine", () => this.useCourses());
    this.undoButton = button("Undo", () => this.undo());
    const editorBox = el("div", { class: "lesson-editor" });
    const bar = el("div", { class: "cell-bar" }, this.copyButton, this.courseButton, this.undoButton, this.status);
    const keys = el("p", { class: "cells-note", id: "engine-keys" },
      "Tab indents; Escape and then Tab leaves the editor. Your engine is stored in this browser at every key.");
    box.replaceChildren(el("div", { class: "cell" }, el("div", { class: "lesson-file" }, ENGINE), editorBox, bar), keys);
    this.editor = createEditor(editorBox, {
      text: read(ENGINE), label: `Your engine: ${ENGINE}`, describedBy: "engine-keys", changed: (text) => this.changed(text), check: () => {}, from: /^class /m,
    });
    this.showButtons();
    watch((file) => file === ENGINE && !this.editor.focused() && this.editor.set(read(ENGINE) ?? ""));
  }

  changed(text) {
    if (text !== read(ENGINE)) write(ENGINE, text);
    this.say(isRefused() ? "Not stored: the browser refuses. Export your work on the course's page." : "");
  }

  showButtons() {
    this.copyButton.hidden = !isPassed(LESSON) || read(`${LESSON}.py`) === null;
    this.undoButton.hidden = read(UNDO) === null;
  }

  /** Replace the engine. What was there can be brought back. */
  replace(text, what) {
    write(UNDO, this.editor.text());
    this.editor.set(text);
    this.say(`${ENGINE} now contains ${what}.`);
    this.showButtons();
  }

  async useCourses() {
    try {
      this.replace(await courseEngine(), "the course's engine");
    } catch (error) {
      this.say(error.message);
    }
  }

  undo() {
    const text = read(UNDO);
    write(UNDO, null);
    this.editor.set(text);
    this.say("Your engine is back.");
    this.showButtons();
    this.editor.focus();
  }

  say(text) {
    tell(this.status, text);
  }
}

show();
watch(show);
if (hasEngine()) new Engine();
else box.append(offerEngine(() => new Engine().editor.focus()));
