// What a page does to run Python, under Node: `node page.mjs RUNTIME`; prints what it computed as JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const runtime = process.argv[2];
const { loadPyodide } = await import(pathToFileURL(join(runtime, "pyodide.mjs")));
const { instance } = await import(pathToFileURL(join(runtime, "viz.js")));
const viz = await instance();
const python = await loadPyodide({ packages: ["minigrad"] });
python.globals.set("svg_of", (dot) => viz.renderString(dot, { format: "svg" }));
python.globals.set("fetch_reviews", (folder) =>
  python.FS.writeFile(`${folder}/imdb.npz`, readFileSync(join(runtime, "imdb.npz"))),
);
console.log(
  python.runPython(`
import json, sys
import numpy as np
import minigrad as mg
import layers, minigrad.data, optim
from minigrad.drawing import set_renderer
from minigrad.errors import MinigradError

set_renderer(svg_of)
x = mg.Tensor([[1.0, 2.0]], name="x")
W = mg.Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
b = mg.Tensor([0.5], requires_grad=True, name="b")
loss = mg.mean_squared_error(mg.tanh(x @ W + b), mg.Tensor([[1.0]], name="target"))
loss.backward()
mg.draw(loss, "graph.svg")
mg.explore(loss, "run.html")

def refused(call):
    try:
        call()
    except MinigradError as error:
        return error.code

codes = [refused(call) for call in (
    minigrad.data.load_imdb, lambda: mg.draw(loss, "graph.png"), lambda: mg.save("W.safetensors", {"W": W}),
)]
fetch_reviews(minigrad.data.__path__[0])
reviews = minigrad.data.load_imdb()
embedding = layers.Embedding(len(reviews.vocabulary), 4)
rows = embedding(reviews.train.ids[:2])
json.dumps({
    "gradient": W.grad.ravel().tolist(),
    "svg": open("graph.svg").read(),
    "page": len(open("run.html").read()),
    "refused": codes,
    "reviews": len(reviews.train),
    "rows": rows.shape,
    "loaded": sorted({name.split(".")[0] for name in sys.modules} & {"graphviz", "safetensors", "tqdm"}),
})
`),
);
