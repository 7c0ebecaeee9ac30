// The layout of a graph with scopes and without time steps. A scope is a box that opens: an open scope is a frame around
// its gates and the scopes in it, a folded scope is one box.
import { BOX, View } from "./view.js";

/** A graph with more nodes than this opens folded. */
export const MOST_OPEN = 60;

const PAD = 18;
const TITLE = 20;

export class ScopeView extends View {
  constructor(model) {
    super(model);
    this.slot = { kind: "scopes", x: 0, place: 0 }; // all boxes are in one column
    this.homes = homesOf(model);
    this.opened = new Set();
    if (model.nodes.length <= MOST_OPEN) this.openAll();
    else this.foldAll();
  }

  static suits(model) {
    const { columns, nodes } = model.data;
    return nodes.some((node) => node.gate && node.scope) && !columns.some(({ kind }) => kind === "step" || kind === "part");
  }

  openAll() {
    this.opened = new Set(this.homes.flat());
  }

  /** Fold all scopes, except those with more than half of all gates, such as a model's own scope. */
  foldAll() {
    this.opened = new Set();
    const gates = this.model.forward;
    for (;;) {
      const sizes = new Map();
      for (const id of gates) sizes.set(this.folded(id), (sizes.get(this.folded(id)) ?? 0) + 1);
      const large = [...sizes].find(([path, size]) => path !== undefined && size > gates.length / 2);
      if (!large) return;
      this.opened.add(large[0]);
      if (this.boxes() <= MOST_OPEN) continue;
      this.opened.delete(large[0]);
      return;
    }
  }

  toggle(path) {
    if (!this.opened.delete(path)) this.opened.add(path);
  }

  /** Open all scopes around a node. Returns whether any of them was folded. */
  uncover(id) {
    const folded = this.folded(id) !== undefined;
    for (const path of this.homes[id]) this.opened.add(path);
    return folded;
  }

  /** The path of the outermost folded scope around a node. */
  folded(id) {
    return this.homes[id].find((path) => !this.opened.has(path));
  }

  keyOf(id) {
    const path = this.folded(id);
    return path === undefined ? `node ${id}` : `scope ${path}`;
  }

  /** The number of boxes that are shown. */
  boxes() {
    return new Set(this.model.nodes.map((_, id) => this.keyOf(id))).size;
  }

  lay() {
    const { nodes } = this.model;
    const root = frameOf("");
    const frames = new Map();
    const items = new Map();
    // For each node, the open frames around it from the outside in, and then its box.
    const chains = nodes.map((node, id) => {
      const key = this.keyOf(id);
      const folded = this.folded(id);
      const chain = [root];
      for (const path of this.homes[id]) {
        if (path === folded) break;
        if (!frames.has(path)) chain.at(-1).children.push(frames.set(path, frameOf(path)).get(path));
        chain.push(frames.get(path));
      }
      if (!items.has(key)) {
        const kind = folded === undefined ? "node" : "fold";
        const heat = kind === "node" && this.model.heat(id) !== null;
        const width = heat || kind === "fold" ? BOX.fold : BOX.width;
        const item = { key, ids: [], kind, heat, path: folded, label: nameOf(folded), slot: this.slot, band: node.band, loop: false, width, height: BOX.height };
        item.leaf = kind === "node" && !node.gate;
        items.set(key, item);
        chain.at(-1).children.push(item);
      }
      chain.push(items.get(key));
      chain.at(-1).ids.push(id);
      if (node.gate) for (const box of chain) box.order ??= id;
      if (node.gate) for (const box of chain.slice(0, -1)) box.gates++;
      return chain;
    });
    nodes.forEach((node, id) => {
      for (const parent of [...(node.inputs ?? []), node.cut ?? []].flat()) connectIn(chains[parent], chains[id]);
    });
    placeRows(root);
    moveInto(root, PAD / 2, PAD / 2);
    const keys = chains.map((chain) => chain.at(-1).key);
    const edges = this.edges(keys, items);
    for (const edge of edges) edge.rail = railOf(edge, items);
    const right = edges.reduce((most, { rail }) => Math.max(most, rail ?? 0), root.width);
    return { items, edges, bands: [], slots: [], frames: [...frames.values()], keys, width: right + PAD, height: root.height + PAD };
  }
}

/** For each node, the paths of the scopes around it, outermost first. A leaf is in the innermost scope around all its users. */
function homesOf({ nodes }) {
  const paths = nodes.map(({ gate, scope }) => {
    const names = gate && scope ? scope.split("/") : [];
    return names.map((_, last) => names.slice(0, last + 1).join("/"));
  });
  const users = nodes.map(() => []);
  nodes.forEach(({ inputs }, id) => inputs?.forEach((parent) => users[parent].push(paths[id])));
  return nodes.map(({ gate }, id) => {
    if (gate || !users[id].length) return paths[id];
    return users[id].reduce((common, other) => common.filter((path, depth) => path === other[depth]));
  });
}

function frameOf(path) {
  return { path, key: `scope ${path}`, label: nameOf(path), children: [], links: [], gates: 0 };
}

function nameOf(path) {
  return path?.slice(path.lastIndexOf("/") + 1);
}

/** Note an edge in the innermost frame around both of its ends, between the two parts of this frame that hold them. */
function connectIn(from, to) {
  const depth = from.findIndex((box, place) => box !== to[place]);
  if (depth > 0 && to[depth]) from[depth - 1].links.push([from[depth], to[depth]]);
}

/** Place the parts of a frame in rows, each below its inputs, and set the frame's size. Gates are in the middle, leaves on the left. */
function placeRows(box) {
  if (!box.children) return;
  box.children.forEach(placeRows);
  const sources = new Map(box.children.map((child) => [child, []]));
  for (const [from, to] of box.links) sources.get(to).push(from);
  const parts = box.children.filter((child) => !child.leaf).sort((a, b) => a.order - b.order);
  // A scope that is entered twice may feed a box that feeds it. Lines that lead back do not count.
  const before = (part) => sources.get(part).filter((from) => from.leaf || from.order < part.order);
  for (const part of parts) part.row = before(part).reduce((row, from) => Math.max(row, from.leaf ? 1 : from.row + 1), 0);
  const leaves = box.children.filter((child) => child.leaf);
  for (const leaf of leaves) leaf.row = Infinity;
  for (const [from, to] of box.links) if (from.leaf) from.row = Math.min(from.row, to.row - 1);
  for (const leaf of leaves) if (leaf.row === Infinity) leaf.row = 0;
  const middle = (part) => {
    const above = before(part).filter((from) => from.x !== undefined);
    return above.reduce((sum, from) => sum + from.x + from.width / 2, 0) / (above.length || 1);
  };
  let y = box.path ? TITLE + PAD : 0;
  let [left, right] = [0, 0];
  for (const row of [...new Set(box.children.map((child) => child.row))].sort((a, b) => a - b)) {
    const members = box.children.filter((child) => child.row === row);
    const inner = members.filter(({ leaf }) => !leaf).sort((a, b) => middle(a) - middle(b) || a.order - b.order);
    const height = Math.max(...members.map((member) => member.height));
    const width = inner.reduce((sum, part) => sum + part.width + BOX.gapX, -BOX.gapX);
    let x = -Math.max(width, 0) / 2;
    left = Math.min(left, x);
    for (const part of inner) {
      Object.assign(part, { x, y: y + (height - part.height) / 2 });
      x += part.width + BOX.gapX;
    }
    right = Math.max(right, x - BOX.gapX);
    x = inner.length ? -width / 2 : BOX.width / 2 + BOX.gapX;
    for (const leaf of members.filter((member) => member.leaf)) {
      x -= leaf.width + BOX.gapX;
      Object.assign(leaf, { x, y: y + height - leaf.height }); // beside a high frame, near the leaf's first user
      right = Math.max(right, x + leaf.width);
    }
    left = Math.min(left, x);
    y += height + BOX.gapY;
  }
  for (const child of box.children) child.x += PAD - left;
  box.width = right - left + 2 * PAD;
  box.height = y - BOX.gapY + (box.path ? PAD : 0);
}

/** Turn places within a frame into places in the picture. */
function moveInto(box, x, y) {
  box.x = (box.x ?? 0) + x;
  box.y = (box.y ?? 0) + y;
  box.children?.forEach((child) => moveInto(child, box.x, box.y));
}

/** The x of the rail beside all boxes between a line's ends, if there are any that the line could run behind. */
function railOf({ from, to }, items) {
  const [upper, lower] = from.y < to.y ? [from, to] : [to, from];
  const between = [...items.values()].filter((box) => box !== from && box !== to && box.y + box.height > upper.y + upper.height && box.y < lower.y);
  const left = Math.min(from.x, to.x);
  const right = Math.max(from.x + from.width, to.x + to.width);
  if (!between.some((box) => box.x < right && box.x + box.width > left)) return undefined;
  // Rails from different boxes run side by side.
  return between.reduce((most, box) => Math.max(most, box.x + box.width), right) + 9 + 4 * (from.ids[0] % 3);
}
