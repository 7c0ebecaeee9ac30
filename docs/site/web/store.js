// What the browser remembers: the learner's files, progress.json, and changed cells.
//
// Each file of the course folder has an entry in localStorage, `minigrad/FILE`. Changed cells have `minigrad/cells/PAGE#NUMBER`.
// `verdict/FILE` is what the last check said, `reset/FILE` the code before a reset, `carried/FILE` the text of a file that the check
// of an earlier lesson has written, `picture/FILE` the page of a milestone's trained network, and `last` the name of the lesson that
// was changed last.
// If the browser refuses to store anything, the page works, but forgets everything when it is closed.

/** The name of a learner's file. */
export const OWN_FILE = /^((lesson|milestone)_\w+|my_engine)\.py$/;

const PREFIX = "minigrad/";
const memory = new Map();
let refused = false;

export function read(name) {
  try {
    return localStorage.getItem(PREFIX + name) ?? memory.get(name) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

/** Store a text, or remove it if it is null. */
export function write(name, text) {
  if (text === null) memory.delete(name);
  else memory.set(name, text);
  try {
    if (text === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
    refused = false;
  } catch {
    refused = true;
  }
}

/** Whether the browser refused to store the last change. */
export const isRefused = () => refused;

/** The learner's progress, in the form of progress.json: {lesson: {passed, tries, hints, answers}}. A milestone's entry also has the
 * loss that its training has reached, and the seconds. */
export function progress() {
  try {
    return JSON.parse(read("progress.json") ?? "{}");
  } catch {
    return {};
  }
}

/** Whether a lesson or milestone is passed. */
export const isPassed = (lesson) => Boolean(progress()[lesson]?.passed);

/** Whether the learner has changed a file. Passing lessons 5 and 6 also changes lesson 7's, and passing a milestone later ones'. */
export function isBegun(lesson) {
  const text = read(`${lesson}.py`);
  return text !== null && text !== read(`carried/${lesson}.py`);
}

/** Change a lesson's entry. It is read again first, because another tab may have changed it. */
export function record(lesson, change) {
  const all = progress();
  const entry = { ...all[lesson], ...change };
  for (const [key, value] of Object.entries(entry)) if (value === undefined) delete entry[key];
  write("progress.json", `${JSON.stringify({ ...all, [lesson]: entry }, null, 1)}\n`);
}

/** The stored files of the course folder: {name: text}. */
export function files() {
  const names = new Set(memory.keys());
  try {
    for (let i = 0; i < localStorage.length; i += 1) names.add(localStorage.key(i).replace(PREFIX, ""));
  } catch {
    // only this page's memory
  }
  const stored = {};
  for (const name of names) if (OWN_FILE.test(name) || name === "progress.json") stored[name] = read(name);
  return stored;
}

/** Call `act(name)` when another tab changes a file. */
export function watch(act) {
  window.addEventListener("storage", ({ key }) => key?.startsWith(PREFIX) && act(key.slice(PREFIX.length)));
}
