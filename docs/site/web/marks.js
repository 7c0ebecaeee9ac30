// Marks in the list of pages at the side: which lessons and milestones are passed, and which are begun.
import { el } from "./python.js";
import { isBegun, isPassed, watch } from "./store.js";

const MARKS = { passed: "✓", begun: "…" };

/** Put a mark behind the link of each lesson and milestone. Screen readers read it as a word. */
export function markLessons() {
  for (const link of document.querySelectorAll(".sidebar-tree a")) {
    const name = /\/((?:lesson|milestone)_\w+)\.html/.exec(link.href)?.[1];
    if (!name) continue;
    link.querySelector(".lesson-mark")?.remove();
    const state = isPassed(name) ? "passed" : isBegun(name) ? "begun" : "";
    if (state) link.append(el("span", { class: `lesson-mark lesson-${state}-mark`, role: "img", "aria-label": `(${state})` }, ` ${MARKS[state]}`));
  }
}

markLessons();
watch(markLessons);
