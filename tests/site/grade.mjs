// Grades lessons' files as a page does, in Pyodide under Node: `node grade.mjs CELLS FILES > LINES`.
//
// CELLS is the site's folder with Python, FILES a file with a JSON list of [lesson, text], and LINES a list of what the check says of each
// on the third try.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [cells, files] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(cells, "pyodide.mjs")));
const python = await loadPyodide({ packages: ["minigrad"] });
const given = JSON.parse(readFileSync(files, "utf8"));
for (const name of ["course", ...new Set(given.map(([lesson]) => lesson))]) {
  python.unpackArchive(new Uint8Array(readFileSync(join(cells, `${name}.zip`))), "zip", { extractDir: "/lib/python3.12/site-packages" });
}
python.FS.writeFile("/lib/python3.12/runner.py", readFileSync(join(cells, "runner.py")));
const data = python.runPython("import minigrad.data; minigrad.data.__path__[0]");
for (const name of ["names.txt.gz", "digits.csv.gz"]) // which a page fetches when it is read
  python.FS.writeFile(`${data}/${name}`, readFileSync(join(cells, name)));
python.globals.set("given", JSON.stringify(given));
try {
  process.stdout.write(python.runPython(`
import json, os
os.mkdir("/cells"); os.chdir("/cells")
import minigrad, layers, optim, runner
runner.remember()
import checker
from minigrad.course.checking.registry import lesson

told = []
for name, text in json.loads(given):
    one, verdicts = lesson(name), []
    tries = {"file": 2, **{question.function: 2 for question in one.questions}}
    progress = json.dumps({name: {"tries": tries}})
    def post(kind, content, *_):
        if kind == "verdict":
            lines = json.loads(content)["lines"]
            verdicts.append([line for line in lines if "now contains your own" not in line])
    checker.check(name, json.dumps({one.file: text, "progress.json": progress}), "[]", 80, post)
    told.append(verdicts[0] if verdicts else ["no verdict"])
json.dumps(told)
`));
} catch (error) {
  console.error(error.message); // without it, Node shows the line it came from, which has a million characters
  process.exitCode = 1;
}
