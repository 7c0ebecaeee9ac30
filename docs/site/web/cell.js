// Cells: Python code that readers can change and run in the page.
//
// The built page contains each cell's highlighted code and its output. This script puts a text area over the code, and
// buttons below it. When the reader first presses Run, a worker loads Python.

const settings = JSON.parse(document.querySelector("#cells").textContent); // {sizes: {file: [bytes, compressed bytes]}}

/** An element with attributes and children. */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// ---- Python ----

class Python {
  worker = null;
  loading = null; // a promise if a worker exists
  before = ""; // "?again" after Python was loaded, because its files are then in the browser's cache

  /** Load Python if necessary. Calls `show({loaded})` with the number of bytes received for each file. */
  load(show) {
    if (!this.loading) {
      this.worker = new Worker(new URL(`worker.js${this.before}`, import.meta.url), { type: "module" });
      this.loading = this.answer(show).then(() => (this.before = "?again"));
    }
    return this.loading;
  }

  /** Run a cell's source. Resolves to false after an error. Calls `show(piece)` with each piece of output. */
  run(number, source, show) {
    this.worker.postMessage({ number, source });
    return this.answer(show);
  }

  /** The worker's final answer. Until it arrives, `stop(reason)` ends the worker and rejects the promise. */
  answer(show) {
    return new Promise((resolve, reject) => {
      this.stop = (reason) => {
        this.worker.terminate();
        this.worker = this.loading = null;
        for (const cell of cells) cell.ran = false;
        reject(new Error(reason));
      };
      const fail = (reason) =>
        this.stop(this.before ? `Python failed (${reason}).` : `Python could not be loaded (${reason}). Press Run to try again.`);
      this.worker.onerror = (event) => fail(event.message || "one of its files is missing");
      this.worker.onmessage = ({ data }) => {
        if (data.failed) fail(data.failed);
        else if (data.done) resolve(data.ended);
        else show(data);
      };
    });
  }
}

// ---- A cell's output ----

class Output {
  constructor(element) {
    this.element = element;
    this.printed = "";
    this.tidy();
  }

  clear() {
    this.element.replaceChildren();
  }

  show({ kind, content, title }) {
    if (kind === "text") {
      if (!this.printed) setTimeout(() => this.flush(), 30); // collects lines, so that many are shown at once
      this.printed += content;
      return;
    }
    this.flush();
    if (kind === "error") this.add(el("pre", { class: "cell-error" }, content));
    else if (kind === "svg") this.add(picture("svg+xml", base64(content), title));
    else if (kind === "png") this.add(picture("png", content, title));
    else if (kind === "page") this.add(explorer(content, title));
    else if (kind === "html") this.add(table(content));
  }

  flush() {
    const last = this.element.lastElementChild;
    if (this.printed && last?.className === "cell-text") last.append(this.printed);
    else if (this.printed) this.add(el("pre", { class: "cell-text" }, this.printed));
    this.printed = "";
  }

  add(element) {
    this.element.append(element);
    this.tidy();
  }

  /** Make boxes that scroll sideways reachable by keyboard. */
  tidy() {
    for (const box of this.element.querySelectorAll("pre, .cell-html, .cell-picture")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
}

const base64 = (text) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

function picture(type, data, title) {
  return el("div", { class: "cell-picture" }, el("img", { alt: title, src: `data:image/${type};base64,${data}` }));
}

function table(html) {
  return el("div", { class: "cell-html" }, ...new DOMParser().parseFromString(html, "text/html").body.childNodes);
}

/** The explorer in a frame that may only run its own script, with a link that opens it in a new tab. */
function explorer(html, title) {
  const box = document.querySelector("#cell-explorer").content.firstElementChild.cloneNode(true);
  box.querySelector("a").href = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  Object.assign(box.querySelector("iframe"), { srcdoc: html, title });
  return box;
}

// If Escape was pressed in a frame, move the focus to the element after the frame.
window.addEventListener("message", ({ data, source }) => {
  const frame = data === "leave" && Array.from(document.querySelectorAll("iframe")).find((one) => one.contentWindow === source);
  if (frame) (frame.nextElementSibling ?? frame.previousElementSibling).focus();
});

// ---- A cell ----

class Cell {
  constructor(element, index) {
    this.element = element;
    this.number = index + 1;
    this.ran = false; // since Python was started
    this.output = new Output(element.querySelector(".cell-output"));
    this.code = element.querySelector("pre");
    this.source = this.code.textContent.replace(/\n$/, "");
    if (settings.sizes) this.addEditor();
  }

  addEditor() {
    const name = `cell ${this.number}`;
    this.editor = el("textarea", {
      "aria-label": `Code of ${name}`, "aria-describedby": "cells-keys", spellcheck: "false", autocapitalize: "off",
      autocomplete: "off", wrap: "off",
    });
    this.editor.value = this.source;
    this.lines = el("div", { class: "cell-lines", "aria-hidden": "true" });
    this.code.inert = true;
    this.code.before(this.lines);
    this.code.after(this.editor);
    const button = (label, act) => {
      const made = el("button", { type: "button", "aria-label": `${label} ${name}` }, label);
      made.onclick = act;
      return made;
    };
    this.runButton = button("Run", () => run(this));
    this.stopButton = button("Stop", stop);
    this.resetButton = button("Reset", () => this.reset());
    this.status = el("span", { class: "cell-status", role: "status" });
    this.progress = el("span", { class: "cell-progress" });
    const buttons = [this.runButton, this.stopButton, this.resetButton];
    const label = el("span", { class: "cell-name" }, `Cell ${this.number}`); // the name in error messages
    const bar = el("div", { class: "cell-bar" }, ...buttons, this.status, this.progress, label);
    this.element.querySelector(".cell-code").after(bar);
    this.stopButton.hidden = this.resetButton.hidden = true;
    this.editor.oninput = () => this.edited();
    this.editor.onscroll = () => (this.code.scrollLeft = this.editor.scrollLeft);
    this.editor.onkeydown = (event) => this.key(event);
    this.numberLines();
  }

  key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.shiftKey) return void run(this);
    const line = this.editor.value.slice(0, this.editor.selectionStart).split("\n").pop();
    const indent = /^ */.exec(line)[0] + (/:\s*$/.test(line) ? "    " : "");
    document.execCommand("insertText", false, `\n${indent}`); // can be undone, unlike a new value
  }

  edited() {
    this.code.textContent = `${this.editor.value}\n`; // sets the size of the text area
    this.element.classList.add("cell-edited");
    this.resetButton.hidden = this.editor.value === this.source;
    this.numberLines();
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

  /** Show how much of Python was downloaded. This is not shown in the status, because it changes too often to be read aloud. */
  showLoaded(loaded) {
    const sizes = Object.entries(settings.sizes);
    const total = sizes.reduce((sum, [, [, packed]]) => sum + packed, 0);
    const part = ([file, [size, packed]]) => packed * Math.min(1, (loaded[file] ?? 0) / size);
    const arrived = sizes.map(part).reduce((sum, bytes) => sum + bytes);
    const mb = (bytes) => (bytes / 1e6).toFixed(1);
    this.progress.replaceChildren(
      el("progress", { max: total, value: arrived, "aria-label": "Python, loaded" }),
      ` ${mb(arrived)} of ${mb(total)} MB`,
    );
  }

  /** Run only this cell. Resolves to false after an error. */
  async execute() {
    this.busy(true);
    try {
      if (!python.worker) this.say(python.before ? "Starting Python again." : "Loading Python, NumPy, Graphviz and minigrad.");
      await python.load(({ loaded }) => this.showLoaded(loaded));
      this.progress.replaceChildren();
      this.say("Running.");
      this.output.clear();
      const start = performance.now();
      this.ran = true;
      const ended = await python.run(this.number, this.editor.value, (piece) => this.output.show(piece));
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
}

// ---- Running ----

const python = new Python();
const cells = Array.from(document.querySelectorAll(".cell"), (element, index) => new Cell(element, index));
window.addEventListener("resize", () => cells.forEach((cell) => cell.output.tidy()));
const queue = []; // the running cell, followed by the waiting ones

/** Run a cell. Cells above it that have not run yet run first, because it may use their variables. */
async function run(cell) {
  if (queue.includes(cell)) return;
  queue.push(cell);
  if (queue.length > 1) cell.say("Waiting for the running cell.");
  else for (; queue.length; queue.shift()) await runWithThoseAbove(queue[0]);
}

async function runWithThoseAbove(cell) {
  cell.busy(true);
  try {
    for (const above of cells.slice(0, cell.number - 1).filter((other) => !other.ran)) {
      cell.say(`Running cell ${above.number} first.`);
      if (!(await above.execute())) return cell.say(`Not run, because cell ${above.number} ended with an error.`);
    }
    await cell.execute();
  } catch (error) {
    cell.busy(false);
    cell.say(error.message);
    if (python.before) await restart(cell, error.message);
  } finally {
    cell.busy(false);
  }
}

/** Start Python again after a stop, so that the next Run does not have to wait. */
async function restart(cell, reason) {
  cell.say(`${reason} Python is starting again.`);
  try {
    await python.load(() => {});
    cell.say(`${reason} Python is ready again.${cell.number > 1 ? " Run also runs the cells above again." : ""}`);
  } catch (error) {
    cell.say(error.message);
  }
}

function stop() {
  for (const cell of queue.splice(1)) cell.say("");
  python.stop("Stopped.");
}
