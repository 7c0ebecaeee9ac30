// The questions before an exercise: see minigrad/course/checking/quiz.py, whose sealed answers this script opens.
import { pbkdf2, sha256, shake256 } from "./editor.js";
import { el } from "./python.js";
import { progress, record } from "./store.js";

const bytes = (text) => new TextEncoder().encode(text);

/** A number as in Python's format `.4g`. */
function fourDigits(number) {
  const [digits, exponent] = number.toExponential(3).split("e");
  const power = Number(exponent);
  if (number === 0) return "0";
  if (power >= -4 && power < 4) return String(Number(number.toPrecision(4)));
  return `${Number(digits)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** An answer in a fixed form: equal numbers get the same text, and choices become lowercase. */
export function normal(text) {
  const plain = text.trim().toLowerCase().replace(/[.)]+$/, "");
  const number = asNumber(plain);
  return number === null ? plain : fourDigits(number + 0);
}

function asNumber(text) {
  const plain = text.trim().replaceAll(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : null;
}

function digestOf(quiz, text) {
  const key = pbkdf2(sha256, bytes(normal(text)), bytes(quiz.question), { c: 20000, dkLen: 32 });
  return Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 32);
}

/** A question whose right answer is not stored in plain text. */
export const seal = (quiz) => ({ ...quiz, right: digestOf(quiz, quiz.right), sentences: {} });

/** Whether an answer is right, and the sentence about it, or "". */
export function answer(quiz, given) {
  const whole = given.replaceAll(",", ""); // 1,280 may mean 1280 or 1.28
  const text = whole !== given && digestOf(quiz, whole) === quiz.right ? whole : given;
  const digest = digestOf(quiz, text);
  const sealed = Uint8Array.from(atob(quiz.sentences[digest] ?? ""), (letter) => letter.charCodeAt(0));
  const stream = sealed.length ? shake256(bytes(`${quiz.question}\n${normal(text)}`), { dkLen: sealed.length }) : sealed;
  return [digest === quiz.right, new TextDecoder().decode(sealed.map((byte, i) => byte ^ stream[i]))];
}

/** The first missed question of a lesson that is at least two lessons back, or null. */
export async function missed(lesson) {
  const all = progress();
  for (const earlier of lesson.earlier) {
    if (earlier.number > lesson.number - 2) break;
    for (const [index, quiz] of earlier.quiz.entries()) {
      const given = all[earlier.name]?.answers?.[index];
      await new Promise((resolve) => setTimeout(resolve)); // opening an answer takes as long as drawing several frames
      if (given !== undefined && !answer(quiz, given)[0]) return { lesson: earlier, quiz, index };
    }
  }
  return null;
}

/** A question of a lesson, with a field for its answer. A function `answered(right)` receives whether each answer is right; without
 * it, the answer is kept in the lesson's entry. */
export class Question {
  constructor(quiz, lesson, index, before, answered) {
    Object.assign(this, { quiz, lesson, index, answered });
    const id = `${answered ? "own" : "question"}-${lesson.name}-${index}`;
    const choices = Object.entries(quiz.choices);
    this.field = el("input", { type: "text", inputmode: "decimal", id, autocomplete: "off", "aria-label": "Your answer, a number" });
    const radio = ([name, text]) => el("label", {}, el("input", { type: "radio", name: id, value: name }), ` ${name}) `, text);
    const fields = choices.length ? choices.map(radio) : [this.field];
    this.said = el("p", { role: "status" });
    const button = el("button", { type: "submit" }, "Answer");
    this.element = el("form", { class: "lesson-question" },
      el("fieldset", {}, el("legend", {}, before, quiz.question), ...fields), button, this.said);
    this.element.onsubmit = (event) => {
      event.preventDefault();
      this.submit();
    };
    const given = progress()[lesson.name]?.answers?.[index];
    if (given !== undefined && !answered) {
      if (choices.length) this.element.querySelectorAll("input").forEach((input) => (input.checked = input.value === normal(given)));
      else this.field.value = given;
      this.tell(given);
    }
  }

  submit() {
    const choices = Object.keys(this.quiz.choices);
    const given = choices.length ? this.element.querySelector("input:checked")?.value : this.field.value;
    if (!given || (!choices.length && asNumber(given) === null)) {
      this.said.textContent = choices.length ? "Choose an answer." : "The question asks for a number.";
      return;
    }
    if (!this.answered) record(this.lesson.name, { answers: { ...progress()[this.lesson.name]?.answers, [this.index]: given } });
    this.tell(given);
    this.answered?.(this.element.classList.contains("lesson-right"));
    this.said.scrollIntoView({ block: "nearest" });
  }

  tell(given) {
    const [right, sentence] = answer(this.quiz, given);
    this.said.textContent = right ? `✓ ${sentence || "Right."}` : `✗ ${sentence || "Wrong."}`;
    this.element.classList.toggle("lesson-right", right);
  }
}
