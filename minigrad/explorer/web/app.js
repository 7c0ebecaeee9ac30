// The page as a whole: the current step, the open steps and scopes, keys and buttons. Drives all other modules.
import { brief, byName, counted, shapeText } from "./arrays.js";
import { byId, el, foreign, shorten } from "./dom.js";
import { List } from "./list.js";
import { Minimap } from "./minimap.js";
import { Model } from "./model.js";
import { PanZoom } from "./panzoom.js";
import { Picture } from "./picture.js";
import { Quiz } from "./quiz.js";
import { backwardStep, forwardStep, leafCard } from "./steps.js";
import { ScopeView } from "./scopes.js";
import { Strip } from "./strip.js";
import { MOST_BOXES, View } from "./view.js";
import { WhatIf } from "./whatif.js";

const PLAY_MILLISECONDS = 900;
const PLAY_ICON = "M4 3v10l9-5z";
const PAUSE_ICON = "M4 3h3v10H4zM9 3h3v10H9z";

class App {
  constructor(data) {
    this.model = new Model(data);
    this.scoped = ScopeView.suits(this.model); // whether scopes are boxes that open
    this.view = this.scoped ? new ScopeView(this.model) : new View(this.model);
    this.direction = "backward";
    this.step = Math.max(0, this.model.backward.findIndex((id) => this.model.nodes[id].measured)); // the first wrong gate
    this.leaf = null; // the leaf whose card is shown instead of the step
    this.playing = null;
    this.picture = new Picture(byId("picture"), this.model, (item) => this.activate(item), (item) => this.panzoom.reveal(item));
    this.panzoom = new PanZoom(byId("picture"), this.picture.layer, () => this.minimap?.draw());
    this.minimap = new Minimap(byId("minimap"), this.panzoom);
    const go = (id) => this.goTo(id);
    this.go = go;
    this.strip = new Strip(byId("strip"), this.model, go);
    this.list = new List(byId("list"), this.model, go);
    this.quiz = new Quiz(byId("quiz"), this.model, () => this.showStep(), () => this.move(1));
    this.whatif = new WhatIf(byId("whatif"), this.model, () => this.afterEdit());
    this.describe();
    this.listen();
    this.listenToPair();
    this.strip.show();
    if (this.step > 0 && this.scoped) this.view.uncover(this.gate);
    this.draw(true);
    if (this.step > 0) this.follow();
    this.update();
  }

  // ---- the current step ----

  get order() {
    return this.model[this.direction];
  }

  get gate() {
    return this.order[this.step];
  }

  get focused() {
    return this.leaf ?? this.gate;
  }

  setStep(step) {
    this.leaf = null;
    this.step = Math.min(Math.max(step, 0), this.order.length - 1);
    this.follow();
    this.update();
  }

  move(steps) {
    const step = this.scoped && byId("over").checked ? this.over(steps) : this.step + steps;
    if (step >= this.order.length) this.pause();
    this.setStep(step);
  }

  /** The next or previous step that is not in the same folded box. A folded box has one step, its first. */
  over(steps) {
    const folded = (step) => (step < this.order.length ? this.view.folded(this.order[step]) : undefined);
    const same = (a, b) => folded(a) !== undefined && folded(a) === folded(b);
    let step = this.step + steps;
    while (steps > 0 && same(step, this.step)) step++;
    while (steps < 0 && step > 0 && same(step, step - 1)) step--;
    return step;
  }

  setDirection(direction) {
    if (direction === this.direction) return;
    const gate = this.gate;
    this.direction = direction;
    this.setStep(this.model.positions[direction].get(gate) ?? 0);
  }

  /** Go to a node: to a gate's step in the current direction, or to a leaf's card. */
  goTo(id) {
    if (this.scoped && this.view.uncover(id)) this.draw(true);
    const position = this.model.positions[this.direction].get(id);
    if (position !== undefined) return this.setStep(position);
    this.leaf = id;
    this.follow();
    this.update();
  }

  play() {
    if (this.playing) return this.pause();
    if (this.step >= this.order.length - 1) this.setStep(0);
    this.playing = setInterval(() => this.move(1), PLAY_MILLISECONDS);
    this.showTransport();
  }

  pause() {
    clearInterval(this.playing);
    this.playing = null;
    this.showTransport();
  }

  // ---- open and folded steps ----

  /** Open the current time step, and the step that its gradient or state goes to next. */
  follow() {
    const step = this.view.stepOfNode(this.focused);
    if (step === undefined || !byId("follow").checked || this.view.isOpen(this.model.nodes[this.focused].column)) return;
    const other = this.direction === "backward" ? Math.max(0, step - 1) : Math.min(this.view.steps.length - 1, step + 1);
    this.openWindow([Math.min(step, other), Math.max(step, other)], false);
  }

  openWindow(open, fit = true) {
    if (open && this.view.boxesWith(open) > MOST_BOXES)
      return this.note(`These steps have ${this.view.boxesWith(open)} boxes, but at most ${MOST_BOXES} can be shown. Open fewer steps.`);
    this.view.open = open;
    this.note("");
    this.draw(fit);
    this.mark();
  }

  openTyped() {
    const last = this.view.steps.length - 1;
    const [from, to] = [byId("from"), byId("to")].map((input) => input.valueAsNumber);
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to > last || from > to)
      return this.note(`Choose steps from 0 to ${last}. The first step must not come after the last step.`);
    this.openWindow([from, to]);
  }

  activate(item) {
    if (item.kind === "node") return this.goTo(item.ids[0]);
    if (this.scoped) return this.toggleScope(item.path);
    const steps = item.ids.map((id) => this.view.stepOfNode(id)).filter((step) => step !== undefined && !this.view.isOpen(this.view.steps[step]));
    if (steps.length) {
      const [low, high] = [steps.reduce((a, b) => Math.min(a, b)), steps.reduce((a, b) => Math.max(a, b))];
      // Open a short run completely, and a long run at its end, where the gradient arrives.
      return this.openWindow([high - low < 8 ? low : high - 2, high]);
    }
    this.view.foldedBands.delete(item.band);
    this.showScopes();
    this.openWindow(this.view.open);
  }

  /** Open a folded scope, or fold an open one. */
  toggleScope(path) {
    this.refold(() => this.view.toggle(path));
    this.picture.focusScope(path);
  }

  refold(change) {
    const before = new Set(this.view.opened);
    change();
    const boxes = this.view.boxes();
    if (boxes > MOST_BOXES) this.view.opened = before;
    this.note(boxes > MOST_BOXES ? `This would show ${boxes} boxes, but at most ${MOST_BOXES} can be shown.` : "");
    this.draw(true);
    this.mark();
    this.reveal();
  }

  openEverything() {
    if (this.scoped) this.refold(() => this.view.openAll());
    else if (this.view.steps.length) this.openWindow([0, this.view.steps.length - 1]);
  }

  foldEverything() {
    if (this.scoped) this.refold(() => this.view.foldAll());
    else if (this.view.steps.length) this.openWindow(null);
  }

  // ---- showing ----

  describe() {
    const { data } = this.model;
    const root = this.model.value(this.model.root);
    byId("title").textContent = shorten(data.title, 60);
    byId("title").title = data.title;
    const output = root.size === 1 ? ` = ${brief(root.first, 6)}` : ` of shape ${shapeText(root.shape)}`;
    byId("facts").replaceChildren(`${counted(this.model.forward.length, "gate")} · output`, output);
    byId("notes").textContent = data.notes.join(" ");
    byId("window").hidden = byId("following").hidden = this.view.steps.length === 0;
    if (this.scoped) byId("flow").textContent = "Data flows down, and gradients flow up. Click a box to open it, or a frame’s title to fold it.";
    byId("stepping").hidden = !this.scoped;
    byId("folding").hidden = this.view.steps.length === 0 && !this.scoped;
    const last = this.view.steps.length - 1;
    byId("from").max = byId("to").max = last;
    byId("from").value = Math.max(0, last - 2);
    byId("to").value = last;
    byId("scopes").hidden = this.scoped || data.bands.length < 2;
    this.showScopes();
  }

  showScopes() {
    const { bands } = this.model.data;
    byId("scope-list").replaceChildren(...bands.map(({ label }, band) => {
      const box = el("input", { type: "checkbox", onchange: () => this.toggleBand(band, box) });
      box.checked = !this.view.foldedBands.has(band);
      return el("label", { class: "check" }, box, " ", foreign(shorten(label, 60)));
    }));
  }

  toggleBand(band, box) {
    if (box.checked) this.view.foldedBands.delete(band);
    else this.view.foldedBands.add(band);
    if (this.view.boxesWith(this.view.open) > MOST_BOXES) {
      this.view.foldedBands.add(band);
      box.checked = false;
      return this.note(`This scope has too many gates: at most ${MOST_BOXES} boxes can be shown at once.`);
    }
    this.openWindow(this.view.open);
  }

  draw(fit) {
    const layout = this.view.lay();
    const focused = byId("picture").contains(document.activeElement);
    this.picture.draw(layout);
    if (focused) this.picture.focusNode(this.focused);
    this.panzoom.size = { width: layout.width, height: layout.height };
    if (fit) this.panzoom.fit();
    this.minimap.show(layout);
  }

  resized() {
    const { clientWidth, clientHeight } = byId("stage");
    if (!clientWidth) return; // the list is shown
    // On a phone, the minimap would cover much of the picture, so it is above it.
    byId(clientWidth < 600 ? "head" : "stage").append(byId("minimap"));
    byId("picture").style.width = `${clientWidth}px`;
    byId("picture").style.height = `${clientHeight}px`;
    byId("picture").setAttribute("viewBox", `0 0 ${clientWidth} ${clientHeight}`); // a printed page has another width
    this.panzoom.fit();
    // At the first step, keep the whole graph in view, unless it is too small to read.
    if (this.step > 0 || this.leaf !== null || clientWidth < 600 || this.panzoom.small()) this.reveal();
  }

  reveal() {
    const box = this.picture.boxOf(this.focused);
    if (box) this.panzoom.reveal(box);
  }

  update() {
    this.showStep();
    this.mark();
    this.showTransport();
    this.strip.mark(this.focused);
    this.list.mark(this.focused, this.quiz.on);
    this.reveal();
    this.announce();
    this.tellPair();
  }

  /** On the page of a comparison (pair.js), two explorers step together. */
  listenToPair() {
    window.addEventListener("message", ({ source, data }) => {
      if (source !== window.parent || !this.model.nodes[data?.node]) return;
      this.paired = true;
      this.direction = data.direction;
      this.goTo(data.node);
    });
  }

  tellPair() {
    if (this.paired) window.parent.postMessage({ node: this.focused, direction: this.direction }, "*");
  }

  mark() {
    const { model, step } = this;
    const positions = model.positions[this.direction];
    const touched = new Set(this.leaf === null ? model.involved(this.gate, this.direction) : []);
    const status = (id) => {
      if (id === this.focused) return "now";
      if (touched.has(id)) return "touched";
      const position = positions.get(id);
      if (position !== undefined) return position < step ? "done" : "todo";
      if (this.direction === "forward") return "given";
      return model.deliveries[id].length && model.reported(id, step) ? "done" : "todo";
    };
    const badge = ({ kind, ids: [id], ids }) => {
      if (kind === "fold") {
        const steps = this.leaf === null && ids.includes(this.focused) ? ids.filter((one) => positions.has(one)) : [];
        return steps.length ? `${steps.filter((one) => positions.get(one) <= step).length}/${steps.length}` : "";
      }
      const of = model.deliveries[id].length;
      if (model.nodes[id].measured) return "✗";
      return this.direction === "backward" && of > 1 ? `${model.reported(id, step)}/${of}` : "";
    };
    this.picture.mark(this.focused, touched, this.direction === "backward", status, badge);
  }

  showStep() {
    const { model } = this;
    const asked = this.direction === "backward" && this.leaf === null && this.gate !== undefined ? this.gate : null;
    const hidden = this.quiz.ask(asked);
    if (this.quiz.on || !byId("quiz").hidden) this.showQuiz(asked);
    const parts = this.leaf !== null ? leafCard(model, this.leaf, this.direction === "backward" ? this.step : -1, this.go)
      : this.direction === "backward" ? backwardStep(model, this.gate, this.go, hidden) : forwardStep(model, this.gate, this.go);
    const focused = byId("panel").contains(document.activeElement);
    byId("panel").replaceChildren(...parts.flat().filter(Boolean));
    if (focused) byId("panel").focus({ preventScroll: true }); // what had it is gone
    byId("panel").setAttribute("aria-labelledby", this.direction);
    byId("panel").scrollTop = 0;
  }

  showQuiz(asked) {
    const key = this.quiz.on ? `${asked} ${this.model.replayed ? "edited" : ""}` : "off";
    if (key !== this.quizKey) this.quiz.show(asked); // showing the same question again would erase its verdict
    this.quizKey = key;
  }

  showTransport() {
    const last = this.order.length - 1;
    const slider = byId("slider");
    slider.max = last;
    slider.value = this.step;
    slider.setAttribute("aria-valuetext", `step ${this.step + 1} of ${last + 1}`);
    byId("count").textContent = `${this.step + 1} / ${last + 1}`;
    // A disabled button would lose the focus.
    for (const id of ["first", "previous"]) byId(id).setAttribute("aria-disabled", String(this.step === 0));
    for (const id of ["next", "last"]) byId(id).setAttribute("aria-disabled", String(this.step === last));
    byId("play").querySelector("path").setAttribute("d", this.playing ? PAUSE_ICON : PLAY_ICON);
    byId("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    for (const direction of ["forward", "backward"]) byId(direction).setAttribute("aria-pressed", String(direction === this.direction));
  }

  announce() {
    const { model } = this;
    const node = model.nodes[this.focused];
    const where = node.scope ? ` in ${shorten(node.scope, 80)}` : "";
    const array = this.direction === "backward" ? model.grad(this.focused) : model.value(this.focused);
    const what = !array ? "no gradient" : `${this.direction === "backward" ? "gradient" : "output"} ${array.size === 1 ? brief(array.first) : `norm ${brief(array.norm)}`}`;
    const step = this.leaf === null ? `${this.direction} step ${this.step + 1} of ${this.order.length}: ` : "";
    byId("live").textContent = `${step}${shorten(model.title(this.focused), 80)}${where}, ${what}`;
  }

  note(text) {
    byId("note").textContent = text;
  }

  afterEdit() {
    this.describe();
    this.draw(false);
    this.mark();
    this.strip.show();
    this.showStep();
    this.strip.mark(this.focused);
    this.list.first = -1; // its numbers have changed
    this.list.mark(this.focused, this.quiz.on);
  }

  // ---- modes, keys, buttons ----

  toggle(mode) {
    const room = mode === "quiz" ? this.quiz : this.whatif;
    room.on = !room.on;
    byId(`${mode}-toggle`).setAttribute("aria-pressed", String(room.on));
    if (mode === "quiz") {
      if (room.on) this.setDirection("backward");
      this.showStep();
      this.list.mark(this.focused, room.on);
    } else room.show();
    if (room.on) byId(mode).scrollIntoView({ block: "nearest" });
  }

  /** Show the list in place of the picture, or the picture again. */
  toggleList() {
    const on = byId("list").hidden;
    const focused = byId(on ? "stage" : "list").contains(document.activeElement);
    byId("list").hidden = !on;
    for (const id of ["stage", "minimap"]) byId(id).hidden = on;
    for (const id of ["fit", "zoom-in", "zoom-out"]) byId(id).disabled = on;
    byId("list-toggle").setAttribute("aria-pressed", String(on));
    this.list.mark(this.focused, this.quiz.on);
    if (focused) (on ? this.list : this.picture).focusNode(this.focused);
  }

  toggleHelp() {
    const help = byId("help");
    help.hidden = !help.hidden;
    byId("help-toggle").setAttribute("aria-expanded", String(!help.hidden));
  }

  search(text, onward) {
    const hits = this.model.find(text);
    byId("found").textContent = text.trim() ? `${hits.length} found` : "";
    if (!hits.length || !onward) return;
    this.hit = hits[(hits.indexOf(this.hit) + 1) % hits.length];
    byId("found").textContent = `${hits.indexOf(this.hit) + 1} of ${hits.length}`;
    this.goTo(this.hit);
  }

  listen() {
    const press = {
      first: () => this.setStep(0), previous: () => this.move(-1), play: () => this.play(), next: () => this.move(1),
      last: () => this.setStep(this.order.length - 1), open: () => this.openTyped(),
      everything: () => this.openEverything(), fold: () => this.foldEverything(),
      fit: () => this.panzoom.fit(), "zoom-in": () => this.panzoom.zoom(1.25), "zoom-out": () => this.panzoom.zoom(0.8),
      forward: () => this.setDirection("forward"), backward: () => this.setDirection("backward"),
      "quiz-toggle": () => this.toggle("quiz"), "whatif-toggle": () => this.toggle("whatif"), "help-toggle": () => this.toggleHelp(),
      "list-toggle": () => this.toggleList(),
    };
    for (const [id, action] of Object.entries(press)) byId(id).addEventListener("click", action);
    byId("slider").addEventListener("input", (event) => this.setStep(event.target.valueAsNumber));
    byId("search").addEventListener("input", (event) => this.search(event.target.value, false));
    byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.search(byId("search").value, true);
    });
    document.addEventListener("keydown", (event) => this.key(event));
    byId("panel").addEventListener("change", () => this.picture.showHeats()); // a head was chosen
    window.addEventListener("beforeprint", () => this.panzoom.fit());
    new ResizeObserver(() => this.resized()).observe(byId("stage"));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (event.key === "Escape") return target === document.body ? window.parent.postMessage("leave", "*") : target.blur();
    const typing = target.matches("input:not([type=checkbox]):not([type=range]), select, textarea");
    // A focused button handles the space bar itself, and a slider handles Home, End and the arrow keys.
    if (event.key.length === 1 && event.key !== " " && !byId("characters").checked) return; // speech input types characters
    if (typing || (event.key === " " && target.matches("button, summary, input"))) return;
    if (target.matches("input[type=range]") && target.id !== "slider") return;
    const keys = byName({
      ArrowRight: () => this.move(1), ArrowLeft: () => this.move(-1), " ": () => this.play(),
      Home: () => this.setStep(0), End: () => this.setStep(this.order.length - 1),
      f: () => this.setDirection("forward"), b: () => this.setDirection("backward"),
      q: () => this.toggle("quiz"), w: () => this.toggle("whatif"), "?": () => this.toggleHelp(), l: () => this.toggleList(),
      "/": () => byId("search").focus(), 0: () => this.panzoom.fit(), "+": () => this.panzoom.zoom(1.25), "-": () => this.panzoom.zoom(0.8),
      e: () => this.openEverything(), c: () => this.foldEverything(),
      o: () => this.scoped && byId("over").click(),
    });
    const action = keys.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!action) return;
    event.preventDefault();
    action();
  }
}

new App(JSON.parse(byId("data").textContent));
document.documentElement.dataset.ready = String(Math.round(performance.now()));
