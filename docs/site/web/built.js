// The last page of the course: the learner's own files, below the paragraph about their lessons.
import { el } from "./python.js";
import { isBegun, isPassed, read, watch } from "./store.js";

function show(box) {
  const lessons = JSON.parse(box.querySelector("script").textContent); // [{name, number, title, file}]
  for (const old of box.querySelectorAll("p, ul")) old.remove();
  const own = lessons.length > 1 ? "Your own files:" : "Your own file:";
  box.append(el("p", {}, own), el("ul", {}, ...lessons.map((one) => el("li", {}, entry(one)))));
}

/** The learner's file, folded, or a link to a lesson that was not begun. */
function entry({ name, number, title, file }) {
  const link = el("a", { href: `lessons/${name}.html` }, `Lesson ${number}, ${title}`);
  const passed = isPassed(name) && read(file) !== null;
  if (!passed && !isBegun(name)) return el("span", {}, link, isPassed(name) ? ": passed" : ": not begun");
  const code = el("pre", { tabindex: "0", "aria-label": file }, el("code", {}, read(file)));
  const summary = el("summary", {}, el("code", {}, file), passed ? " ✓ passed" : " … begun");
  return el("details", {}, summary, el("p", {}, link), code);
}

const boxes = document.querySelectorAll(".course-built");
const all = () => boxes.forEach(show);
all();
watch(all);
