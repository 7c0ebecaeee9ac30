// Reads calls of gates with NumPy's answers, computes each again with the page's formulas, and prints the largest errors.
import { readFileSync } from "node:fs";

import { call } from "../../../minigrad/explorer/web/gates.js";

const decode = ({ shape, values }) => ({ shape, values: values.map(Number) });
const errorOf = (found, wanted) =>
  wanted.values.reduce((most, x, n) => Math.max(most, Math.abs(found[n] - x) / Math.max(1, Math.abs(x))), found.length === wanted.values.length ? 0 : Infinity);

const errors = JSON.parse(readFileSync(process.argv[2], "utf8")).map(({ recipe, inputs, dz, z, parts }) => {
  const run = call(recipe, inputs.map(decode), z.shape);
  const output = run.forward();
  const found = run.backward(Float64Array.from(decode(dz).values), output);
  return { forward: errorOf(output, decode(z)), backward: parts.map((part, n) => (part ? errorOf(found[n], decode(part)) : 0)) };
});
console.log(JSON.stringify(errors));
