// Reads arrays, and prints the heat map that the page makes of each when it has recomputed it.
import { readFileSync } from "node:fs";

import { heatOf } from "../../../minigrad/explorer/web/grid.js";

const heats = JSON.parse(readFileSync(process.argv[2], "utf8")).map(({ shape, values }) => heatOf({ shape, values: values.map(Number) }));
console.log(JSON.stringify(heats.map(({ rows, values }) => ({ rows, values: values.map(String) }))));
