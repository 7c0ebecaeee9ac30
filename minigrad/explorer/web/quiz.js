// The quiz panel: question, answer, verdict. slips.js chooses the questions and judges the answers.
import { brief } from "./arrays.js";
import { el, foreign } from "./dom.js";
import { call } from "./gates.js";
import { judge, questionFor } from "./slips.js";

export class Quiz {
  /** `changed()` redraws the step when an answer is found or shown, and `next()` moves to the next step. */
  constructor(root, model, changed, next) {
    Object.assign(this, { root, model, changed, next, on: false, question: null });
    this.solved = new Set();
    this.tried = new Set();
    this.right = 0;
  }

  /** Choose the question for a step, or none if `gate` is null. Returns the number of the input to hide, or -1. */
  ask(gate) {
    this.question = this.on && gate !== null ? questionFor(this.model, gate) : null;
    return this.question && !this.solved.has(gate) ? this.question.input : -1;
  }

  show(gate) {
    this.root.hidden = !this.on;
    if (!this.on) return;
    const focused = this.root.contains(document.activeElement);
    this.root.replaceChildren(...this.parts(gate));
    if (this.solved.has(gate) && this.question) this.say(`It is ${brief(this.question.answer, 6)}.`, "");
    if (focused) this.root.querySelector("input, button").focus();
  }

  parts(gate) {
    this.score = el("p", { class: "muted" });
    this.showScore();
    const next = el("button", { type: "button", onclick: () => this.next() }, "Next step");
    if (!this.question) {
      const why = gate === null ? "Go to a backward step. The quiz then asks for the next gradient." : "There is no question here: the arrays are too large to compute by hand, or no gradient is sent. Go to the next step.";
      return [el("h2", {}, "Quiz"), el("p", {}, why), el("p", {}, next), this.score];
    }
    const answer = el("input", { id: "answer", type: "text", inputmode: "decimal", autocomplete: "off" });
    this.verdict = el("p", { role: "status", class: "verdict" });
    return [
      el("h2", {}, "Quiz"),
      el("form", { onsubmit: (event) => this.answer(event, answer.value) },
        el("label", { for: "answer" }, foreign(`${this.question.text} = ?`)), " ", answer, " ",
        el("button", {}, "Check"), " ",
        el("button", { type: "button", id: "reveal", onclick: () => this.reveal() }, "Show me"), " ", next),
      this.verdict, this.score,
    ];
  }

  answer(event, text) {
    event.preventDefault();
    const { gate } = this.question;
    const { right, text: verdict } = judge(this.model, this.question, text, this.redo(gate));
    if (!this.solved.has(gate) && !this.tried.has(gate)) {
      this.tried.add(gate);
      this.right += Number(right);
      this.showScore();
    }
    if (right) this.finish();
    this.say(right ? `Right: ${brief(this.question.answer, 6)}.` : verdict, right ? "right" : "wrong");
  }

  showScore() {
    const { right, tried } = this;
    this.score.textContent = tried.size ? `${right} of ${tried.size} right on the first try` : "";
  }

  reveal() {
    this.finish();
    this.say(`It is ${brief(this.question.answer, 6)}.`, "");
  }

  finish() {
    this.solved.add(this.question.gate);
    this.changed();
  }

  say(text, kind) {
    this.verdict.className = `verdict ${kind}`;
    this.verdict.textContent = text;
  }

  /** The gate's rule as a function of the upstream gradient. It helps to recognise some mistakes. */
  redo(gate) {
    const recipe = this.model.data.replay.recipes?.[gate];
    const inputs = this.model.nodes[gate].inputs.map((id) => this.model.value(id));
    if (!recipe || !inputs.every((input) => input.values)) return null;
    const z = this.model.value(gate);
    return (dz) => call(recipe, inputs, z.shape).backward(Float64Array.from(dz), z.values);
  }
}
