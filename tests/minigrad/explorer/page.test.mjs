// The page's modules without a page: numbers, formulas with numbers put in, the quiz's judgement, folding, recomputing.
import assert from "node:assert/strict";
import test from "node:test";

import { brief, decode, elementText, fromValues, indicesOf, placeOf, shapeText } from "../../../minigrad/explorer/web/arrays.js";
import { explainBackward, explainForward } from "../../../minigrad/explorer/web/explain.js";
import { call } from "../../../minigrad/explorer/web/gates.js";
import { finiteDifference, ownLeaves, recompute } from "../../../minigrad/explorer/web/recompute.js";
import { judge, questionFor } from "../../../minigrad/explorer/web/slips.js";
import { Quiz } from "../../../minigrad/explorer/web/quiz.js";
import { MOST_OPEN, ScopeView } from "../../../minigrad/explorer/web/scopes.js";
import { MOST_BOXES, View } from "../../../minigrad/explorer/web/view.js";
import { WhatIf } from "../../../minigrad/explorer/web/whatif.js";
import { chain, product, renamed, residual, square, standInDocument } from "./graphs.mjs";

test("numbers are short, signed with a real minus, and never lose their size", () => {
  const shown = { 0: "0", 0.25: "0.25", 0.123456: "0.1235", "-1.5": "−1.5", 12345.678: "12350", 1234567: "1.23e6", 0.00001234: "1.23e−5", "-2e-9": "−2e−9" };
  for (const [number, text] of Object.entries(shown)) assert.equal(brief(Number(number)), text);
  assert.deepEqual([NaN, Infinity, -Infinity, undefined].map((x) => brief(x)), ["NaN", "∞", "−∞", "?"]);
});

test("what JSON cannot hold arrives as a word", () => {
  const array = decode({ shape: [3], dtype: "float32", values: [1, "NaN", "-Infinity"] });
  assert.deepEqual(array.values, [1, NaN, -Infinity]);
  assert.deepEqual([array.low, array.high, array.norm, array.unfinite], [1, 1, 1, 2]);
});

test("the mean and the norm of a mask do not overflow, nor does the norm of tiny numbers vanish", () => {
  const mask = fromValues([4], [-1e300, 0, -1e300, 0]);
  assert.equal(mask.mean, -5e299);
  assert.ok(Math.abs(mask.norm / 1e300 - Math.SQRT2) < 1e-12);
  assert.ok(Math.abs(fromValues([2], [3e-300, 4e-300]).norm / 5e-300 - 1) < 1e-12);
});

test("places and indices are each other's inverse, in reading order", () => {
  assert.deepEqual(indicesOf(5, [2, 3]), [1, 2]);
  for (let place = 0; place < 24; place++) assert.equal(placeOf(indicesOf(place, [2, 3, 4]), [2, 3, 4]), place);
  for (const wrong of [[2, 0], [0, -1], [0.5, 0], [0], [NaN, 0]]) assert.equal(placeOf(wrong, [2, 3]), -1);
  assert.equal(elementText("W", 5, [2, 3]), "W[1, 2]");
  assert.deepEqual([shapeText([]), shapeText([3]), shapeText([2, 3])], ["()", "(3,)", "(2, 3)"]);
});

test("a rule is shown with this node's own numbers", () => {
  const model = square();
  assert.deepEqual(explainForward(model, 1), ["z = a · b = 0.5 · 0.5 = 0.25"]);
  assert.deepEqual(explainBackward(model, 2, 0, model.grad(1)), ["dx = dz · (1 − z²) = 1 · (1 − 0.2449²) = 0.94"]);
  const { part } = model.delivery(1, 1);
  assert.deepEqual(explainBackward(model, 1, 1, part), ["db = dz · a = 0.94 · 0.5 = 0.47"]);
});

test("a matrix product is written out for its first element", () => {
  const model = product();
  assert.deepEqual(explainForward(model, 2), ["z = a @ b", "z[0, 0] = 1 · 5 + 2 · 7 = 19"]);
  assert.deepEqual(explainBackward(model, 2, 0, model.grad(0)), ["da = dz @ bᵀ", "da[0, 0] = 1 · 5 + 1 · 6 = 11"]);
  assert.deepEqual(explainBackward(model, 2, 1, model.grad(1)), ["db = aᵀ @ dz", "db[0, 0] = 1 · 1 + 3 · 1 = 4"]);
});

test("a node that is used twice hears from two consumers, and adds", () => {
  const model = square();
  const [first, second] = [model.delivery(1, 0), model.delivery(1, 1)];
  assert.deepEqual([first.number, first.of, first.before], [1, 2, null]);
  assert.deepEqual([second.number, second.of], [2, 2]);
  assert.equal(second.before.first, first.after.first);
  assert.equal(second.after, model.grad(0)); // the last sum is the gradient itself
  assert.deepEqual([0, 1].map((step) => model.reported(0, step)), [0, 2]);
});

const redoOf = (model, gate) => {
  const { recipes, shapes } = model.data.replay;
  const inputs = model.nodes[gate].inputs.map((id) => model.value(id));
  return (dz) => call(recipes[gate], inputs, shapes[gate]).backward(Float64Array.from(dz), model.value(gate).values);
};

test("the quiz tells right from wrong, and names the slip", () => {
  const model = square();
  const du = model.grad(1).first;
  const question = questionFor(model, 2);
  assert.equal(question.answer, du);
  const verdict = (text) => judge(model, question, text, redoOf(model, 2));
  assert.ok(verdict(String(du)).right);
  assert.ok(verdict("0,94").right); // a decimal comma, and two digits
  assert.match(verdict("1").text, /1 − z² of tanh is missing/);
  assert.match(verdict(String(-du)).text, /sign/);
  assert.match(verdict(String(2 * du)).text, /twice/);
  assert.match(verdict("7").text, /upstream gradient, apply the local rule/);
  assert.match(verdict("").text, /not a number/);
});

test("= in place of += and a forgotten upstream gradient are told apart", () => {
  const model = square();
  // The second use of a, with 0.47 there from the first.
  const question = { gate: 1, input: 1, place: 0, answer: model.grad(0).first };
  const verdict = (text) => judge(model, question, text, redoOf(model, 1)).text;
  assert.match(verdict("0.94"), /Right/);
  assert.match(verdict(String(model.delivery(1, 1).part.first)), /added to the earlier sum/);
  assert.match(verdict(String(0.5 + model.delivery(1, 1).before.first)), /upstream gradient dz is missing/);
});

test("a transposed matrix, and a transpose forgotten, and one example alone", () => {
  const model = product();
  const redo = (dz) => call({ kind: "product" }, [model.value(0), model.value(1)], [2, 2]).backward(Float64Array.from(dz));
  const verdict = (question, text) => judge(model, question, text, redo).text;
  const right = { gate: 2, input: 1, place: 1, answer: 4 }; // dW[0, 1] = 1·1 + 3·1
  assert.match(verdict(right, "6"), /transposed/);
  assert.match(verdict(right, "3"), /transpose is missing|batch/);
  assert.match(verdict(right, "1"), /sum over the batch is missing/);
  const left = { gate: 2, input: 0, place: 1, answer: 15 }; // dx[0, 1] = 7 + 8
  assert.match(verdict(left, "14"), /transpose is missing/); // dz @ W in place of dz @ Wᵀ: 6 + 8
});

test("the question avoids the diagonal, where a transposed answer would pass", () => {
  const model = product();
  const { input, place } = questionFor(model, 2);
  assert.equal(input, 0);
  assert.notEqual(indicesOf(place, [2, 2])[0], indicesOf(place, [2, 2])[1]);
});

test("run again with another leaf, the graph gives the closed form and its finite difference", () => {
  const model = square();
  const leaves = ownLeaves(model);
  leaves.get(0)[0] = -1.25;
  const run = recompute(model, leaves);
  const y = Math.tanh(1.5625);
  assert.ok(Math.abs(run.loss - y) < 1e-12);
  assert.ok(Math.abs(run.grads[0].values[0] - 2 * -1.25 * (1 - y * y)) < 1e-12);
  assert.ok(Math.abs(finiteDifference(model, leaves, 0, 0, run.raw) - run.grads[0].values[0]) < 1e-8);
  assert.equal(ownLeaves(model).get(0)[0], 0.5); // the recorded numbers are still there
  model.replayed = run;
  assert.equal(model.delivery(1, 0).before, null);
  assert.ok(Math.abs(model.delivery(1, 1).after.first - run.grads[0].first) < 1e-15);
});

test("a long chain opens folded, a window opens those steps alone", () => {
  const view = new View(chain(100));
  assert.equal(view.open, null);
  const folded = view.lay();
  assert.deepEqual([...folded.items.values()].map((item) => item.kind), ["node", "fold", "node"]);
  const fold = [...folded.items.values()][1];
  assert.equal(fold.ids.length, 200);
  assert.ok(fold.loop);
  assert.equal(folded.edges.length, 2);
  view.open = [97, 99];
  const open = view.lay();
  assert.equal([...open.items.values()].filter((item) => item.kind === "node").length, 8);
  assert.equal([...open.items.values()].filter((item) => item.kind === "fold").length, 1);
  view.open = [10, 12];
  assert.equal([...view.lay().items.values()].filter((item) => item.kind === "fold").length, 2); // before and after
  assert.equal(view.boxesWith([0, 99]), 202);
});

test("no two boxes overlap, folded or open, and every node has one", () => {
  const model = chain(100);
  const view = new View(model);
  for (const open of [null, [0, 4], [50, 99]]) {
    view.open = open;
    const layout = view.lay();
    assert.ok(layout.keys.every((key) => layout.items.has(key)));
    const boxes = [...layout.items.values()];
    for (const a of boxes)
      for (const b of boxes)
        assert.ok(a === b || a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y);
    assert.ok(boxes.every((box) => box.x >= 0 && box.y >= 0 && box.x + box.width <= layout.width && box.y + box.height <= layout.height));
  }
});

test("a small graph opens at once", () => {
  assert.deepEqual(new View(chain(5)).open, [0, 4]);
});

test("an array computed here has the facts that Python would have sent", () => {
  const array = fromValues([2, 2], [3, -4, 0, 12]);
  assert.deepEqual([array.low, array.high, array.mean, array.norm, array.first], [-4, 12, 2.75, 13, 3]);
});

for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"])
  test(`a gate, a tensor and a scope called ${name} are like any other`, () => {
    const model = renamed(square(), name);
    assert.deepEqual([1, 2].map((id) => model.rule(id).text), ["z = a ⊙ b", `${name}: z = tanh x`]);
    assert.deepEqual(explainForward(model, 2), []); // the page knows no formula for it
    assert.deepEqual(explainBackward(model, 2, 0, model.grad(1)), []);
    assert.equal(model.title(0), name);
    assert.deepEqual(model.find(name), [0, 2]);
    const question = questionFor(model, 2);
    assert.match(judge(model, question, "1", null).text, /upstream gradient, apply the local rule/);
  });

test("an edit runs the graph once, and so does opening the panel", () => {
  const model = square();
  let passes = 0;
  const order = model.backward;
  Object.defineProperty(model, "backward", { get: () => (passes++, order) });
  standInDocument();
  const panel = new WhatIf(document.createElement("section"), model, () => {});
  panel.on = true;
  panel.show();
  assert.equal(passes, 1);
  panel.edit(-1.25);
  assert.equal(passes, 2);
  assert.ok(Math.abs(model.replayed.loss - Math.tanh(1.5625)) < 1e-12);
  panel.pick(0);
  panel.reset();
  assert.equal(passes, 2); // nothing that has to be computed again
  assert.equal(model.replayed, null);
});

test("a step asks for its question once", () => {
  const model = square();
  let asked = 0;
  const delivery = model.delivery.bind(model);
  model.delivery = (...which) => (asked++, delivery(...which));
  standInDocument();
  const quiz = new Quiz(document.createElement("section"), model, () => {}, () => {});
  assert.equal(quiz.ask(2), -1); // off
  quiz.on = true;
  assert.equal(quiz.ask(2), 0);
  quiz.show(2);
  assert.equal(asked, 1);
  quiz.solved.add(2);
  assert.equal(quiz.ask(2), -1);
  assert.equal(quiz.ask(null), -1);
});

test("what is outside the steps opens folded where it would be more boxes than can be shown", () => {
  const model = chain(3);
  const bands = 60;
  model.data.bands = Array.from({ length: bands }, (_, n) => ({ label: `layer${n}` }));
  model.nodes = Array.from({ length: 100 * bands }, (_, n) => ({ kind: "gate", gate: "Tanh", column: 0, band: n % bands, row: n, offset: 0, inputs: [] }));
  const view = new View(model);
  assert.ok(view.boxesWith(null) <= MOST_BOXES);
  assert.ok(view.boxesWith(null) > MOST_BOXES / 2);
});

const names = (layout) => [...layout.items.values()].map(({ path, ids: [id] }) => path ?? id);

test("a graph with scopes opens folded, except a scope with most of its gates, and a small graph opens completely", () => {
  const large = new ScopeView(residual(16));
  assert.ok(large.model.nodes.length > MOST_OPEN);
  assert.deepEqual(names(large.lay()), [0, ...Array.from({ length: 16 }, (_, n) => `net/block${n}`), 65]);
  assert.deepEqual(large.lay().frames.map(({ path }) => path), ["net"]);
  const small = new ScopeView(residual(2)).lay();
  assert.deepEqual(names(small), [...small.keys.keys()]);
  assert.equal(small.frames.length, 5);
  for (const model of [square(), chain(3)]) assert.ok(!ScopeView.suits(model)); // no scopes; time steps
});

test("a scope opens by one level, and around a node by all", () => {
  const view = new ScopeView(residual(16));
  view.toggle("net/block1");
  assert.deepEqual(names(view.lay()).slice(1, 5), ["net/block0", "net/block1/norm", 8, "net/block2"]);
  assert.equal(view.uncover(2), true);
  assert.equal(view.uncover(2), false);
  assert.equal(view.keyOf(2), "node 2");
  view.toggle("net/block1");
  assert.equal(view.keyOf(8), "scope net/block1");
  view.openAll();
  assert.equal(view.boxes(), view.model.nodes.length);
  view.foldAll();
  assert.equal(view.boxes(), 18);
});

test("in a graph with scopes no boxes overlap, frames hold their boxes alone, and data flows down", () => {
  const view = new ScopeView(residual(16));
  const inside = (a, b) => a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height;
  const apart = (a, b) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
  for (const open of [() => {}, () => view.toggle("net/block3"), () => view.openAll(), () => view.toggle("net/block3/norm"), () => view.toggle("net")]) {
    open();
    const { items, frames, edges, keys, ...size } = view.lay();
    const boxes = [...items.values()];
    assert.ok(boxes.every((box) => inside(box, { x: 0, y: 0, ...size })));
    for (const a of boxes) for (const b of boxes) assert.ok(a === b || apart(a, b));
    for (const frame of frames)
      for (const box of boxes) {
        const own = box.ids.every((id) => view.homes[id].includes(frame.path));
        assert.ok(own ? inside(box, frame) : apart(box, frame), `${box.key} ${frame.path}`);
      }
    assert.ok(edges.every(({ from, to }) => from.y + from.height < to.y));
    assert.ok(keys.every((key) => items.has(key)));
  }
});

test("a line runs beside the boxes between its ends", () => {
  const { edges } = new ScopeView(residual(16)).lay();
  const { rail, to } = edges.find(({ from: { ids: [id] }, to: { path } }) => id === 0 && path === "net/block9");
  assert.ok(rail > to.x + to.width);
  assert.equal(edges.find(({ from, to }) => from.path === "net/block8" && to.path === "net/block9").rail, undefined);
});

test("a scope that is entered twice has one box, fed by what it feeds", () => {
  const model = residual(3);
  model.nodes.forEach((node) => node.scope && (node.scope = node.scope.replace("block2", "block0")));
  const view = new ScopeView(model);
  view.opened = new Set(["net"]);
  const layout = view.lay();
  assert.deepEqual(names(layout), [0, "net/block0", "net/block1", 13]);
  assert.equal(layout.edges.filter(({ from, to }) => from.path && to.path).length, 2);
});
