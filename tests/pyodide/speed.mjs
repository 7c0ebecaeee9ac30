// Runs speed.py in Pyodide, under Node: `node speed.mjs RUNTIME CHECKOUT`; prints the seconds as JSON.
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, checkout] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(runtime, "pyodide.mjs")));
const python = await loadPyodide({ packages: ["numpy"] });
python.FS.mkdirTree("/checkout");
python.FS.mount(python.FS.filesystems.NODEFS, { root: resolve(checkout) }, "/checkout");
// CPU time, because other programs may be running. Python's own clocks measure only elapsed time here.
python.globals.set("clock", () => process.cpuUsage().user / 1e6);
console.log(
  python.runPython(`
import contextlib, json, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["/checkout", "/checkout/tests/pyodide"]
import speed
with contextlib.redirect_stdout(sys.stderr):
    found = speed.measure(clock)
json.dumps(found)
`),
);
