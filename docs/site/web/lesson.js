// The exercise of a lesson or milestone: its question, the editor, the buttons, and what the check says.
import { Cell, restart } from "./cell.js";
import { createEditor } from "./editor.js";
import { ENGINE, engineNote, hasEngine, linkToEngine } from "./engine.js";
import { Output } from "./output.js";
import { picture } from "./picture.js";
import { el, enqueue, python, settings, showLoaded, stop, tell } from "./python.js";
import { Question, missed, seal } from "./quiz.js";
import { markLessons } from "./marks.js";
import { files, isBegun, isRefused, progress, read, record, watch, write } from "./store.js";

const MEMORY = 512 << 20; // start Python again if it uses more bytes than this
const DONE = '{"done": true}'; // the last line of a run that was not stopped
const STARTS = 6; // the most times that one check starts Python

const root = document.querySelector(".lesson");
const lesson = JSON.parse(root.querySelector("script").textContent); // see course.py
const isMilestone = lesson.kind === "Milestone";

class Lesson {
  constructor() {
    this.number = 1;
    this.editorBox = el("div", { class: "lesson-editor" });
    this.status = el("span", { class: "cell-status", role: "status" });
    this.progress = el("span", { class: "cell-progress" });
    this.stored = el("span", { class: "cell-name", role: "status" });
    this.verdict = el("pre", { class: "lesson-verdict", role: "status", "aria-label": "What the check says" });
    this.again = el("div");
    this.asked = el("div", { class: "lesson-own" }); // questions about the learner's own code
    this.hint = el("div", { class: "lesson-hint", role: "status" });
    this.outputBox = el("div", { class: "cell-output", role: "log", "aria-label": `Output of ${lesson.file}` });
    this.output = new Output(this.outputBox);
    this.graph = new Output(el("div", { class: "lesson-graph" }));
    const button = (label, act, more = {}) => {
      const made = el("button", { type: "button", ...more }, label);
      made.onclick = act;
      return made;
    };
    this.checkButton = button("Check", () => this.ask("check"), { class: "lesson-check" });
    this.runButton = button("Run", () => this.ask("run"));
    this.stopButton = button("Stop", stop);
    this.hintButton = button("Hint", () => this.showHint());
    this.resetButton = button("Reset", () => this.reset());
    this.undoButton = button("Undo the reset", () => this.undoReset());
    this.solutionButton = button("Solution", () => this.showSolution(), { "aria-expanded": "false" });
    // Stop comes last, so that no button moves below the pointer when it appears
    const buttons = [this.checkButton, this.runButton, this.hintButton, this.resetButton, this.undoButton, this.solutionButton, this.stopButton];
    const bar = el("div", { class: "cell-bar" }, ...buttons, this.status, this.progress, this.stored);
    const keys = el("p", { class: "cells-note", id: "lesson-keys" },
      "Press Ctrl+Enter to check your code. Tab indents; Escape and then Tab leaves the editor. Your code is stored in this browser at every key.");
    const name = el("div", { class: "lesson-file" }, lesson.file, el("span", { class: "lesson-done" }, " ✓ passed"));
    this.old = el("p", { class: "cells-note", role: "status" }); // says that the verdict is about earlier code
    this.solution = el("pre", { class: "lesson-solution", role: "region", "aria-label": "Solution", hidden: "" });
    const cell = el("div", { class: "cell lesson-cell" }, name, this.editorBox, bar, this.outputBox);
    if (isMilestone) root.append(engineNote());
    root.append(this.questions(), cell, this.solution, this.hint, this.old, this.verdict, this.again, this.asked, this.graph.element, keys);
    this.editor = createEditor(this.editorBox, {
      text: read(lesson.file) ?? lesson.exercise, label: `Your code: ${lesson.file}`, describedBy: "lesson-keys",
      changed: (text) => this.changed(text), check: () => this.ask("check"), from: /^.*(raise NotImplementedError|= None\b)/m,
    });
    this.stopButton.hidden = true;
    this.show();
    this.tellAgain();
    watch((file) => file === lesson.file && !this.editor.focused() && this.takeOver());
    window.addEventListener("focus", () => this.takeOver());
    if (read("python") === "loaded") this.loadWhenSeen(cell);
  }

  get entry() {
    return progress()[lesson.name] ?? {};
  }

  get passed() {
    return Boolean(this.entry.passed);
  }

  /** The lesson's questions, and one that was missed two lessons ago or earlier. */
  questions() {
    const box = el("div", { class: "lesson-questions" });
    const pose = ({ quiz, lesson: { number }, lesson: earlier, index }) =>
      box.prepend(new Question(quiz, earlier, index, `You missed this question in lesson ${number}: `).element);
    missed(lesson).then((found) => found && pose(found));
    const count = lesson.quiz.length;
    lesson.quiz.forEach((quiz, index) => box.append(new Question(quiz, lesson, index, `Question ${index + 1} of ${count}: `).element));
    return box;
  }

  changed(text) {
    if (text !== read(lesson.file)) write(lesson.file, text);
    if (!isMilestone) write("last", lesson.name);
    this.editor?.mark(null);
    tell(this.stored, isRefused() ? "Not stored: the browser refuses. Export your work." : "");
    this.tellAge();
  }

  /** Show the file as another tab has left it. */
  takeOver() {
    const text = read(lesson.file) ?? lesson.exercise;
    if (text !== this.editor.text()) this.editor.set(text);
  }

  /** Start Python before it is needed, if it is in the browser's cache. */
  loadWhenSeen(element) {
    const seen = new IntersectionObserver(([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      seen.disconnect();
      python.load(() => {}).catch(() => {}); // the first job reports the error
    });
    seen.observe(element);
  }

  /** Show what depends on the progress: the folded parts of the page, the buttons. */
  show() {
    const tries = Object.values(this.entry.tries ?? {});
    this.solutionButton.hidden = !this.passed && Math.max(0, ...tries) < 4;
    for (const part of document.querySelectorAll("details.after-pass")) if (this.passed) part.open = true;
    this.undoButton.hidden = read(this.undo) === null;
    root.classList.toggle("lesson-passed", this.passed);
    markLessons();
  }

  ask(what) {
    this.what = what;
    enqueue(this);
  }

  say(text) {
    tell(this.status, text);
  }

  busy(whether) {
    root.querySelector(".lesson-cell").classList.toggle("cell-busy", whether);
    if (!whether && document.activeElement === this.stopButton) this.checkButton.focus();
    this.stopButton.hidden = !whether;
    this.progress.replaceChildren();
  }

  async start() {
    if (isMilestone && !hasEngine()) return this.say(`There is no ${ENGINE} yet. See above the editor.`);
    this.busy(true);
    try {
      if (this.what === "check") await this.check();
      else if (this.what === "explain") await this.explain();
      else await this.run();
    } catch (error) {
      this.output.flush();
      this.say(error.message);
      if (python.before) void restart(this, error.message);
    } finally {
      this.busy(false);
    }
  }

  /** Forget what was shown about the file before. */
  clear() {
    this.output.clear();
    this.graph.clear();
    write(this.said, null);
    write(this.drawn, null);
    for (const element of [this.again, this.asked, this.hint, this.verdict]) element.replaceChildren();
    this.verdict.classList.remove("lesson-right", "lesson-wrong");
    this.tellAge();
  }

  async load() {
    if (!python.worker) this.say(python.before ? "Starting Python again." : "Loading Python, NumPy, Graphviz and minigrad.");
    await python.load(({ loaded }) => showLoaded(this.progress, loaded));
    this.progress.replaceChildren();
    write("python", "loaded");
  }

  /** Run the file as a program. */
  async run() {
    await this.load();
    this.say("Running.");
    this.output.clear();
    const start = performance.now();
    const source = this.editor.text();
    const message = { kind: "program", name: lesson.file, source, own: this.own(source), lesson: lesson.name, reviews: lesson.reviews };
    const { ended } = await python.ask(message, (piece) => this.shown(piece));
    this.output.flush();
    this.progress.replaceChildren();
    this.say(ended ? `Ran in ${((performance.now() - start) / 1000).toFixed(2)} s.` : "Ended with an error.");
  }

  /** Show a piece of output, or how much was downloaded. */
  shown(piece) {
    if (piece.loaded) showLoaded(this.progress, piece.loaded);
    else if (piece.kind === "progress") this.showShare(piece.content);
    else this.output.show(piece);
  }

  /** Show the share of a training, or of one of its epochs, that is done. */
  showShare(share) {
    this.progress.replaceChildren(el("progress", { max: 1, value: share, "aria-label": "Training" }), ` ${Math.round(100 * share)}%`);
  }

  async check() {
    const text = this.editor.text();
    this.clear();
    this.checked = text;
    const verdict = await this.judged(text);
    for (const [file, content] of Object.entries(verdict.files)) {
      if (!isBegun(file.replace(".py", ""))) write(`carried/${file}`, content); // and so it stays
      write(file, content);
    }
    record(lesson.name, verdict.entry);
    hasEngine(); // if this was lesson 7, its file is the learner's engine from now on
    const { lines, passed, kind, line, again, blames } = verdict;
    write(this.said, JSON.stringify({ text, lines, passed, kind, line, again, blames }));
    this.tell(verdict);
    this.verdict.scrollIntoView({ block: "nearest" });
    this.show();
    if (passed || (!isMilestone && ["wrong", "changed"].includes(kind))) await this.draw(text, verdict);
    this.say("");
  }

  /** Show questions about the learner's own code, and record which ones are answered at the first try. */
  async explain() {
    const seed = this.entry.explained?.seed ?? crypto.getRandomValues(new Uint32Array(1))[0].toString(16);
    const { questions, file } = await this.judged(this.checked, { kind: "explain", source: this.checked, seed });
    if (this.entry.explained?.file !== file) record(lesson.name, { explained: { seed, file, first: {} } });
    const answered = (index) => (right) => {
      const { explained } = this.entry;
      record(lesson.name, { explained: { ...explained, first: { [index]: right, ...explained.first } } });
    };
    const before = (index) => `Question ${index + 1} of ${questions.length} about your code\n`;
    this.asked.replaceChildren(...questions.map((quiz, index) => new Question(seal(quiz), lesson, index, before(index), answered(index)).element));
    if (!questions.length) this.asked.textContent = "No line of your file can carry a question.";
    this.say("");
    this.asked.querySelector("input")?.focus();
  }

  /** Check the file, or make questions about it. If it stops or damages Python, start Python again with the answers that have arrived. */
  async judged(text, task = { kind: "check" }) {
    const checking = task.kind === "check";
    const runs = []; // of each run: its answers, and why it ended early (see checker.py)
    for (let starts = 0; starts < STARTS; starts += 1) {
      await this.load();
      this.say(checking ? "Checking." : "Running your code with other inputs and changed lines.");
      let verdict, timer, late = "", training = false;
      const limit = (seconds) => {
        clearTimeout(timer);
        timer = setTimeout(() => ((late = training ? "training" : "late"), python.end()), seconds * 1000);
      };
      const show = ({ kind, content, loaded }) => {
        if (loaded) showLoaded(this.progress, loaded);
        else if (kind === "run") {
          if (runs.length && checking) this.say("Looking for the cause.");
          runs.push([[], ""]);
          this.progress.replaceChildren();
          limit(lesson.seconds);
        } else if (kind === "training") {
          if (!training) this.say("Training a network of your functions.");
          if (!training) limit(lesson.training);
          training = true;
          this.showShare(content);
        } else if (kind === "line") {
          if (training) limit(lesson.seconds);
          if (training) this.progress.replaceChildren();
          training = false;
          runs.at(-1)[0].push(content); // JSON as Python writes it, with Infinity and NaN
          if (content === DONE) clearTimeout(timer);
          else if (runs.length === 1 && checking) this.progress.textContent = `${runs[0][0].length - 1} of ${lesson.questions}`;
        } else if (kind === "text") this.output.show({ kind, content });
        else if (kind === "verdict") verdict = JSON.parse(content);
      };
      const message = {
        ...task, lesson: lesson.name, reviews: lesson.reviews, runs, width: this.columns(),
        files: { ...Object.fromEntries(this.earlier()), [lesson.file]: text, "progress.json": JSON.stringify(progress()) },
      };
      try {
        const { heap } = await python.ask(message, show);
        this.progress.replaceChildren();
        this.output.flush();
        if (!verdict) python.end();
        else if (heap > MEMORY) python.renew();
        if (verdict) return verdict;
      } catch (error) {
        clearTimeout(timer);
        const last = runs.at(-1);
        if (!late && !error.crashed) throw error; // the reader pressed Stop
        if (last && last[0].at(-1) !== DONE) last[1] = late || "ended";
        else if (starts > 0) throw error; // not the file's fault
      }
    }
    throw new Error("The check could not be completed, because the file stops Python each time.");
  }

  /** The learner's files: when a lesson is passed, its functions replace the ready versions in later files. */
  earlier() {
    return Object.entries(files()).filter(([name]) => name.endsWith(".py"));
  }

  /** The files that Python may import: the learner's file with this text, and the engine that a milestone's file imports. */
  own(text) {
    return { [lesson.file]: text, ...(isMilestone && { [ENGINE]: read(ENGINE) }) };
  }

  /** The number of characters that fit into a line of the verdict. */
  columns() {
    const probe = el("span", {}, "0".repeat(20));
    this.verdict.append(probe); // an empty verdict has no box, and so no padding
    const { paddingLeft, paddingRight } = getComputedStyle(this.verdict);
    const room = this.verdict.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    const width = probe.getBoundingClientRect().width / 20;
    probe.remove();
    return Math.floor(room / width);
  }

  /** The name under which the last verdict is stored. */
  get said() {
    return `verdict/${lesson.file}`;
  }

  /** The name under which the page of a milestone's trained network is stored. */
  get drawn() {
    return `picture/${lesson.file}`;
  }

  /** After a reload, show what the last check said. */
  tellAgain() {
    const said = JSON.parse(read(this.said) ?? "null");
    if (!said) return;
    this.checked = said.text;
    this.tell(said);
    if (read(this.drawn)) this.graph.add(picture(read(this.drawn)));
  }

  tell(verdict) {
    this.verdict.textContent = verdict.lines.join("\n");
    this.tellAge();
    this.verdict.classList.toggle("lesson-right", verdict.passed);
    this.verdict.classList.toggle("lesson-wrong", !verdict.passed && verdict.kind !== "not written");
    const current = this.editor.text() === this.checked;
    if (current) this.editor.mark(verdict.line);
    if (verdict.again.length) this.again.replaceChildren(this.cellFor(verdict.again));
    if (verdict.blames === ENGINE) this.again.append(el("p", {}, linkToEngine()));
    if (!verdict.passed) return;
    write(this.undo, null);
    const ask = el("button", { type: "button" }, "Questions about your code");
    ask.onclick = () => this.ask("explain");
    if (current && !isMilestone) this.asked.replaceChildren(ask);
    const next = document.querySelector(".lesson-next");
    if (next) this.again.append(next.content.cloneNode(true));
  }

  /** Say whether the verdict is about earlier code. */
  tellAge() {
    const isOld = this.verdict.textContent !== "" && this.editor.text() !== this.checked;
    tell(this.old, isOld ? "Your code has changed since this check." : "");
  }

  /** A cell with the lines that show the failure again. */
  cellFor(lines) {
    const code = el("div", { class: "highlight" }, el("pre", {}, lines.join("\n")));
    const element = el("div", { class: "cell" }, el("div", { class: "cell-code" }, code), el("div", { class: "cell-output", role: "log", "aria-label": "Output of your lines" }));
    const cell = new Cell(element, 0, true);
    Object.defineProperty(cell, "more", { get: () => ({ lesson: lesson.name, reviews: lesson.reviews, own: this.own(this.editor.text()) }) });
    return el("div", {}, el("p", {}, "To see it again, run these lines. You can change them."), element);
  }

  /** Draw the learner's own graph, or what a milestone's network has learned. A file that stops Python here has no graph. */
  async draw(text, { function: failed, trained }) {
    this.say(isMilestone ? "Drawing what it has learned." : "Drawing your graph.");
    let timer;
    try {
      await python.load(() => {});
      timer = setTimeout(() => python.end(), (lesson.seconds + lesson.training) * 1000); // the drawing may train
      const message = { kind: "page", lesson: lesson.name, source: text, own: this.own(text), failed, trained };
      const { ended } = await python.ask(message, (piece) => {
        if (piece.kind === "progress") this.showShare(piece.content);
        else if (piece.kind === "page" && isMilestone) this.showPicture(piece.content);
        else if (!piece.loaded) this.graph.show(piece);
      });
      if (!ended) python.renew();
    } catch (error) {
      if (python.worker) throw error;
    } finally {
      clearTimeout(timer);
      this.progress.replaceChildren();
    }
  }

  /** Show the page of a trained network, and keep it, because training again takes long. */
  showPicture(html) {
    write(this.drawn, html);
    this.graph.add(picture(html));
  }

  showHint() {
    const index = Math.min(this.entry.hints ?? 0, lesson.hints.length - 1);
    record(lesson.name, { hints: index + 1 });
    const paragraphs = lesson.hints[index].split("\n\n").map((text) => el("p", {}, ...inline(text)));
    const last = index + 1 === lesson.hints.length ? " (there are no more)" : "";
    this.hint.replaceChildren(el("p", {}, el("strong", {}, `Hint ${index + 1} of ${lesson.hints.length}${last}`)), ...paragraphs);
    this.hint.scrollIntoView({ block: "nearest" });
  }

  /** The name under which the code before the last reset is stored. */
  get undo() {
    return `reset/${lesson.file}`;
  }

  reset() {
    const { passed, tries, hints } = this.entry;
    write(this.undo, JSON.stringify({ text: this.editor.text(), entry: { passed, tries, hints } }));
    record(lesson.name, { passed: undefined, tries: undefined, hints: undefined });
    this.clear();
    this.editor.set(lesson.exercise);
    this.say("The original exercise is back.");
    this.show();
  }

  undoReset() {
    const { text, entry } = JSON.parse(read(this.undo));
    write(this.undo, null);
    record(lesson.name, entry);
    this.editor.set(text);
    this.say("Your code is back.");
    this.show();
    this.editor.focus();
  }

  async showSolution() {
    this.solution.hidden = !this.solution.hidden;
    this.solutionButton.ariaExpanded = String(!this.solution.hidden);
    if (this.solution.hidden) return;
    this.solution.textContent = await (await fetch(new URL(`${lesson.name}.solution.py`, import.meta.url))).text();
    this.solution.tabIndex = 0;
    this.solution.scrollIntoView({ block: "nearest" });
  }
}

/** Text with `code` and *emphasis* in it. */
function inline(text) {
  const made = (part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    return /^\*[^*]+\*$/.test(part) ? el("em", {}, part.slice(1, -1)) : part;
  };
  return text.split(/(`[^`]+`|\*\w[^*`]*\*)/).map(made);
}

if (settings.sizes) new Lesson();
