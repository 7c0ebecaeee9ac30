// Runs pytest in Pyodide, under Node: `node run.mjs RUNTIME PACKAGES CHECKOUT ARGUMENTS...`.
//
// RUNTIME is the folder that docs/site/runtime.py gathers, PACKAGES one with pytest and what it needs, CHECKOUT the
// repository; the remaining arguments are pytest's. The exit code is pytest's too.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, packages, checkout, ...options] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(runtime, "pyodide.mjs")));
const python = await loadPyodide({ packages: ["numpy"] });
for (const [folder, here] of [["/packages", packages], ["/checkout", checkout]]) {
  python.FS.mkdirTree(folder);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: resolve(here) }, folder);
}
python.globals.set("options", python.toPy(options));
try {
  process.exitCode = python.runPython(`
import os, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["/checkout", "/packages"]
os.chdir("/checkout")
import pytest
int(pytest.main(list(options)))
`);
} catch (error) {
  console.error(error.message); // without it, Node shows the line it came from, which has a million characters
  process.exitCode = 70;
}
