// The learner's engine, `my_engine.py`, which milestones import: how it is made, and the note about it in a milestone's page.
import { el } from "./python.js";
import { isPassed, read, write } from "./store.js";

export const ENGINE = "my_engine.py";
export const LESSON = "lesson_07_engine";

const page = (name) => new URL(`../../${name}.html`, import.meta.url);

/** Whether there is an engine. If not, and lesson 7 is passed, copy its file. */
export function hasEngine() {
  if (read(ENGINE) === null && isPassed(LESSON)) write(ENGINE, read(`${LESSON}.py`));
  return read(ENGINE) !== null;
}

/** The text of the course's engine, which is the solution of lesson 7. */
export async function courseEngine() {
  const answer = await fetch(new URL(`${LESSON}.solution.py`, import.meta.url));
  if (!answer.ok) throw new Error(`The course's engine cannot be downloaded: ${answer.status}`);
  return answer.text();
}

/** A note that says that there is no engine, with a button that uses the course's. The note then calls `made()`. */
export function offerEngine(made) {
  const said = el("span", { role: "status" });
  const button = el("button", { type: "button" }, "Use the course's engine");
  button.onclick = async () => {
    try {
      write(ENGINE, await courseEngine());
      made();
    } catch (error) {
      said.textContent = ` ${error.message}`;
    }
  };
  const why = ["There is no ", el("code", {}, ENGINE), " yet. When you pass ", el("a", { href: page(`lessons/${LESSON}`) }, "lesson 7"),
    ", your file is copied to it. Without lesson 7, you can use the course's engine."];
  return el("div", { class: "engine-offer" }, el("p", {}, ...why), el("p", {}, button, said));
}

/** A link to the editor of the engine. */
export const linkToEngine = () => el("a", { href: `${page("milestones")}#your-engines-file` }, "See and change ", el("code", {}, ENGINE));

/** The part of a milestone's page about the engine: nothing if there is one, otherwise the offer. */
export function engineNote() {
  const note = el("div", { class: "engine-note", role: "status" });
  const ready = () => {
    const link = linkToEngine();
    note.replaceChildren(el("p", {}, el("code", {}, ENGINE), " is now the course's engine. ", link, "."));
    link.focus(); // the button that had the focus is gone
  };
  if (!hasEngine()) note.append(offerEngine(ready));
  return note;
}
