// The learner's place in the course, on the course's page: progress, the next lesson, export, import, and offline use.
import { strFromU8, strToU8, unzipSync, zipSync } from "./editor.js";
import { el } from "./python.js";
import { OWN_FILE, files, isBegun, isPassed, isRefused, progress, read, watch, write } from "./store.js";

const LARGEST = 1 << 20; // a learner's file has at most this many bytes, as on the command line

const root = document.querySelector(".course-home");
const lessons = JSON.parse(root.querySelector("script").textContent); // [{name, number, title, file}]
const place = el("div");
const said = el("p", { role: "status" });
const arrival = el("p"); // how much was downloaded, which changes too often to be read aloud
root.append(place, controls(), said, arrival);

function show() {
  const passed = (one) => isPassed(one.name);
  const begun = (one) => isBegun(one.name);
  const done = lessons.filter(passed).length;
  const next = following();
  const label = done === 0 && !lessons.some(begun) ? "Start with" : "Continue with";
  const main = next
    ? el("a", { class: "button begin", href: `lessons/${next.name}.html` }, `${label} lesson ${next.number}, ${next.title}`)
    : el("a", { class: "button begin", href: "ending.html" }, `You have passed all ${lessons.length} lessons: what you built`);
  const items = lessons.map((one) => {
    const state = passed(one) ? "passed" : begun(one) ? "begun" : "";
    return el("li", { value: one.number }, el("a", { href: `lessons/${one.name}.html` }, one.title), state === "passed" ? " ✓ passed" : state ? " … begun" : "");
  });
  place.replaceChildren(el("p", { class: "buttons" }, main, ` ${done} of ${lessons.length} lessons passed`),
    el("progress", { max: lessons.length, value: done, "aria-label": "Lessons passed" }), el("ol", {}, ...items), networks());
}

/** A link to the networks that the learner's engine trains, with the number of those that are done. */
function networks() {
  const done = Object.keys(progress()).filter((name) => name.startsWith("milestone_") && isPassed(name)).length;
  const count = done ? ` (${done} done)` : "";
  return el("p", {}, "After lesson 7: ", el("a", { href: "milestones.html" }, "your engine trains everything"), count);
}

/** The lesson to continue with: the one that was changed last, or the first open one after it. */
function following() {
  const open = (one) => !isPassed(one.name);
  const last = lessons.findIndex((one) => one.name === read("last"));
  const tried = lessons.findLastIndex((one) => progress()[one.name]); // after an import, there is no `last`
  const from = last < 0 ? tried : last;
  return lessons.slice(Math.max(from, 0)).find(open) ?? lessons.find(open);
}

function controls() {
  const picker = el("input", { type: "file", accept: ".zip,application/zip", hidden: "", "aria-label": "A zip file of the course" });
  picker.onchange = async () => {
    if (picker.files[0]) await load(picker.files[0]);
    picker.value = "";
  };
  const button = (label, act) => {
    const made = el("button", { type: "button" }, label);
    made.onclick = act;
    return made;
  };
  const note = el("p", { class: "cells-note" },
    "Your code and your progress are stored in this browser. Export them as a zip file to hand them in, or to continue in another " +
    "browser or in a terminal. The marks that the pages show are for practice: your teacher grades the files.");
  return el("div", {}, el("div", { class: "buttons" }, button("Export", save), button("Import", () => picker.click()), picker,
    button("Make this course available offline", offline)), note);
}

/** Download the learner's files and progress.json. */
function save() {
  const stored = files();
  if (!Object.keys(stored).some((name) => name.endsWith(".py"))) return say("There is nothing to export yet.");
  const zip = zipSync(Object.fromEntries(Object.entries({ "progress.json": "{}\n", ...stored }).map(([name, text]) => [name, strToU8(text)])));
  const link = el("a", { href: URL.createObjectURL(new Blob([zip], { type: "application/zip" })), download: "my-course.zip" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say("Exported as my-course.zip.");
}

const isOurs = (name) => OWN_FILE.test(name) || name === "progress.json";

/** Take over the files of a zip file. The browser's own versions are exported first if they differ. */
async function load(file) {
  let found;
  try {
    const wanted = ({ name, originalSize }) => isOurs(name.split("/").pop()) && originalSize <= LARGEST;
    found = Object.entries(unzipSync(new Uint8Array(await file.arrayBuffer()), { filter: wanted }))
      .map(([name, content]) => [name.split("/").pop(), strFromU8(content)])
      .filter(([name]) => !name.startsWith("lesson_") || lessons.some((one) => one.file === name));
  } catch (error) {
    return say(`${file.name} cannot be read as a zip file (${error.message}). Nothing was changed.`);
  }
  if (!found.some(([name]) => name.endsWith(".py"))) return say(`${file.name} contains no file of the course, such as ${lessons[0].file}. Nothing was changed.`);
  const stored = files();
  const lost = found.filter(([name, text]) => name.endsWith(".py") && stored[name] !== undefined && stored[name] !== text);
  if (lost.length && !window.confirm(`Replace ${lost.map(([name]) => name).join(", ")} in this browser? The versions here are exported first.`)) {
    return say("Nothing was changed.");
  }
  if (lost.length) save();
  const taken = found.filter(([name]) => name.endsWith(".py")).length;
  for (const [name, text] of found) {
    if (name === "progress.json") merge(text);
    else write(name, text);
  }
  show();
  say(isRefused() ? "The browser refuses to store the files." : `Imported ${taken} files${lost.length ? ". The versions that were here are in my-course.zip" : ""}.`);
}

/** Add the entries of another progress.json to the ones here. */
function merge(text) {
  try {
    const theirs = JSON.parse(text);
    const known = (name) => name.startsWith("milestone_") || lessons.some((one) => one.name === name);
    const names = Object.keys(theirs).filter((name) => known(name) && theirs[name] && typeof theirs[name] === "object");
    const all = { ...progress(), ...Object.fromEntries(names.map((name) => [name, theirs[name]])) };
    write("progress.json", `${JSON.stringify(all, null, 1)}\n`);
  } catch {
    say("progress.json in this zip file cannot be read, so only the other files were imported.");
  }
}

/** Download everything that the lessons need into the browser's cache. */
async function offline() {
  if (!window.caches || !navigator.serviceWorker?.controller) {
    return say("This browser cannot store the course here: that needs HTTPS (or localhost), and the page opened once before.");
  }
  const top = new URL(document.documentElement.dataset.content_root, location.href);
  const { cache, files: wanted } = await (await fetch(new URL("offline.json", top))).json();
  const store = await caches.open(cache);
  const total = wanted.reduce((sum, [, size]) => sum + size, 0);
  let arrived = 0;
  say("Downloading the course.");
  for (const [name, size] of wanted) {
    const address = new URL(name, top);
    try {
      if (!(await store.match(address))) await store.add(address);
    } catch {
      return say(`${name} cannot be downloaded. The files that have arrived are kept. Try again when you are connected.`);
    }
    arrived += size;
    arrival.replaceChildren(el("progress", { max: total, value: arrived, "aria-label": "Downloaded" }), ` ${(arrived / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`);
  }
  say(`The course is available offline in this browser (${(total / 1e6).toFixed(1)} MB).`);
}

function say(text) {
  said.textContent = text;
  arrival.replaceChildren();
}

show();
watch(show);
