// A worker that loads Python, runs cells one at a time, and posts their output.
//
// It posts {loaded: {file: bytes}} while Python loads, and {done: true} when Python is ready. It receives {number, source},
// a cell to run. For each piece of the cell's output it posts {kind, content, title}, and at the end {done: true, ended},
// where `ended` is false after an error. It posts {failed: reason} if Python cannot be loaded or has crashed.

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
const text = async (file) => (await self.fetch(address(file))).text();

async function load() {
  const [{ loadPyodide }, { instance }, runner] = await Promise.all([
    import("./pyodide.mjs"),
    import("./viz.js"),
    text("runner.py"),
  ]);
  const [viz, python] = await Promise.all([instance(), loadPyodide({ packages: ["minigrad"] })]);
  python.FS.writeFile("/lib/python3.12/runner.py", runner);
  python.FS.mkdir("/cells");
  python.FS.chdir("/cells"); // folder for files that cells write
  const data = python.runPython("import minigrad.data; minigrad.data.__path__[0]");
  python.FS.createLazyFile(data, "imdb.npz", address("imdb.npz"), true, false);
  const show = (kind, content, title) => self.postMessage({ kind, content, title });
  const draw = (dot) => viz.renderString(dot, { format: "svg" });
  return python.runPython("import runner; runner.in_browser")(show, draw);
}

let runner;
try {
  runner = await load();
  self.postMessage({ done: true });
} catch (error) {
  self.postMessage({ failed: error.message });
}

self.onmessage = ({ data: { number, source } }) => {
  try {
    self.postMessage({ done: true, ended: runner.run(number, source) });
  } catch (error) {
    self.postMessage({ failed: error.message });
  }
};
