// A worker that loads Python, runs code one piece at a time, and posts its output.
//
// It posts {loaded: {file: bytes}} while files are downloaded, and {done: true} when Python is ready. It receives
//
//   {kind: "cell", name, source, own}    run a cell
//   {kind: "program", name, source, own} run a lesson's file with fresh variables
//   {kind: "check", lesson, ...}         check a lesson's file (see checker.py)
//   {kind: "explain", lesson, ...}       make questions about a lesson's file
//   {kind: "page", lesson, own, ...}     draw the graph of a lesson's file, or what a milestone's network has learned
//
// where `own` contains the learner's files that the code may import: {name: text}. A milestone is sent as `lesson`, too.
//
// For each piece of output it posts {kind, content, title}, and at the end {done: true, ended, heap}, where `ended` is false
// after an error and `heap` is Python's memory in bytes. It posts {failed: reason} if Python cannot be loaded or has crashed.

const counted = {}; // bytes received for each file

/** A `fetch` that also posts the number of bytes received, after decompression. */
const plain = self.fetch.bind(self);
self.fetch = async (address, options) => {
  // After Stop, load the files from the browser's cache without asking the server again.
  const cache = new URL(self.location).searchParams.has("again") ? "force-cache" : "default";
  const response = await plain(address, { ...options, cache });
  if (!response.ok || !response.body) return response;
  const file = new URL(response.url).pathname.split("/").pop();
  const count = new TransformStream({
    transform(chunk, controller) {
      counted[file] = (counted[file] ?? 0) + chunk.byteLength;
      self.postMessage({ loaded: counted });
      controller.enqueue(chunk);
    },
  });
  const { headers, status, statusText } = response;
  return new Response(response.body.pipeThrough(count), { headers, status, statusText });
};

const address = (file) => new URL(file, self.location).href;
const post = (kind, content, title) => self.postMessage({ kind, content, title });

/** Return a file of the site, as text or bytes. */
async function get(file, as = "text") {
  const response = await self.fetch(address(file)).catch(() => {
    throw new Error(`${file} cannot be downloaded, because there is no connection to the site`);
  });
  if (!response.ok) throw new Error(`${file} cannot be downloaded: ${response.status}`);
  return response[as]();
}

let python, data;

async function load() {
  const [{ loadPyodide }, { instance }, runner] = await Promise.all([import("./pyodide.mjs"), import("./viz.js"), get("runner.py")]);
  const [viz, loaded] = await Promise.all([instance(), loadPyodide({ packages: ["minigrad"] })]);
  python = loaded;
  python.FS.writeFile("/lib/python3.12/runner.py", runner);
  python.FS.mkdir("/cells"); // the folder for files that cells write
  python.FS.chdir("/cells");
  data = python.runPython("import sys; sys.path.insert(0, '/cells'); import minigrad.data; minigrad.data.__path__[0]");
  for (const name of ["imdb.npz", "names.txt.gz", "shakespeare.txt.gz", "digits.csv.gz"]) {
    python.FS.createLazyFile(data, name, address(name), true, false); // fetched when a program opens it
  }
  const draw = (dot) => viz.renderString(dot, { format: "svg" });
  return python.runPython("import runner; runner.in_browser")(post, draw);
}

const unpacked = new Set();

/** Load the course, this lesson's answers, the engine that a milestone needs, and the reviews if the lesson uses them. */
async function loadCourse({ lesson, reviews }) {
  const engine = lesson.startsWith("milestone_") ? ["lesson_07_engine"] : [];
  for (const name of ["course", ...engine, lesson]) {
    if (unpacked.has(name)) continue;
    python.unpackArchive(await get(`${name}.zip`, "arrayBuffer"), "zip", { extractDir: "/lib/python3.12/site-packages" });
    unpacked.add(name);
  }
  if (reviews && !unpacked.has("imdb.npz")) {
    python.FS.unlink(`${data}/imdb.npz`);
    python.FS.writeFile(`${data}/imdb.npz`, new Uint8Array(await get("imdb.npz", "arrayBuffer")));
    unpacked.add("imdb.npz");
  }
  python.runPython("import importlib; importlib.invalidate_caches(); import checker");
}

async function act(message) {
  const { kind, name, source, own = {} } = message;
  if (message.lesson) await loadCourse(message);
  const { write_own } = python.pyimport("runner");
  for (const [file, text] of Object.entries(own)) write_own(file, text);
  if (kind === "cell") return runner.run(name, source);
  const checker = python.pyimport("checker");
  if (kind === "program") {
    checker.report_progress(post);
    return runner.run_program(name, source);
  }
  if (kind === "check") return checker.check(message.lesson, JSON.stringify(message.files), JSON.stringify(message.runs), message.width, post);
  if (kind === "explain") return checker.explain(message.lesson, message.source, message.seed, JSON.stringify(message.runs), post);
  return checker.page(message.lesson, message.source, message.failed, message.trained, post);
}

let runner;
try {
  runner = await load();
  self.postMessage({ done: true });
} catch (error) {
  self.postMessage({ failed: error.message });
}

self.onmessage = async ({ data: message }) => {
  try {
    const ended = await act(message);
    self.postMessage({ done: true, ended, heap: python._module.HEAP8.length });
  } catch (error) {
    self.postMessage({ failed: error.message });
  }
};
