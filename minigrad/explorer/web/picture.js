// Draws the graph as SVG, and marks the boxes as done, current or still to come.
import { brief, counted, shapeText } from "./arrays.js";
import { fit, shorten, svg } from "./dom.js";
import { HEAT, mapOf } from "./heat.js";

/** The name of a box for screen readers lists at most this many inputs. */
const MOST_NAMED = 6;

export class Picture {
  /**
   * `activate(item)` is called when a box is clicked, or Enter is pressed on it. `reveal(item)` is called when the keyboard
   * moves the focus to it.
   */
  constructor(root, model, activate, reveal) {
    Object.assign(this, { root, model, activate, reveal });
    this.layer = svg("g");
    root.append(svg("defs", {}, arrow("arrow"), arrow("arrow-now"), arrow("arrow-cut")), this.layer);
  }

  draw(layout) {
    this.layout = layout;
    this.boxes = new Map();
    this.lines = [];
    this.heats = [];
    this.current = null;
    this.active = null;
    const bands = layout.bands.map((band) => this.band(band));
    const labels = layout.slots.filter((slot) => !slot.folded && ["step", "part"].includes(slot.kind)).map((slot) =>
      svg("text", { class: "column-label", x: slot.x + slot.wide / 2, y: 20 }, slot.label));
    const frames = (layout.frames ?? []).map((frame) => this.frame(frame));
    const lines = layout.edges.map((edge) => this.line(edge));
    const boxes = [...layout.items.values()].map((item) => this.box(item));
    this.layer.replaceChildren(svg("g", {}, bands, frames), svg("g", {}, labels), svg("g", {}, lines), svg("g", {}, boxes));
    this.showHeats();
  }

  /** Draw the heat maps in the boxes, each for the chosen head. */
  showHeats() {
    for (const heat of this.heats) {
      const map = mapOf(this.model, heat.id, { x: 4, y: 4, width: HEAT - 3, height: HEAT - 3, preserveAspectRatio: "none" });
      heat.map?.remove();
      heat.inside.append(map);
      heat.map = map;
    }
  }

  band({ label, y, height }) {
    return svg("g", { class: "band" },
      svg("rect", { x: 8, y, width: this.layout.width - 24, height, rx: 10 }),
      fit(svg("text", { x: 20, y: y + 17 }), label, this.layout.width - 48, 12, 12, 600));
  }

  /** The frame around an open scope. Its title folds the scope. */
  frame(frame) {
    const { x, y, width, height, label, gates, path } = frame;
    const title = svg("g", { class: "frame-title", role: "button", tabindex: "0", ...this.listeners(frame) },
      svg("rect", { x, y, width, height: 24, rx: 10 }),
      fit(svg("text", { x: x + 12, y: y + 17, "aria-hidden": "true" }), `▾ ${label}`, width - 24, 12, 10, 600),
      svg("title", {}, `${label}, open, ${counted(gates, "gate")}. Activate to fold.`));
    this.boxes.set(`frame ${path}`, { group: title, badge: null, item: frame });
    return svg("g", { class: `frame${path.split("/").length % 2 ? " odd" : ""}` }, svg("rect", { x, y, width, height, rx: 10 }), title);
  }

  listeners(item) {
    return {
      onclick: () => this.activate(item),
      onkeydown: (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        this.activate(item);
      },
      // A pointer focuses a box as well, but if the picture moved then, the click would miss it.
      onfocus: ({ target }) => {
        if (!target.matches(":focus-visible")) return;
        this.reveal(visiblePart(item));
        target.scrollIntoView({ block: "nearest" }); // on a narrow page, which scrolls
      },
    };
  }

  line(edge) {
    const starved = edge.pairs.every(([from]) => this.model.nodes[from].starved);
    const path = svg("path", { class: `edge${edge.cut ? " cut" : starved ? " starved" : ""}`, d: edge.rail ? beside(edge) : curve(edge.from, edge.to),
      "marker-end": edge.cut ? "url(#arrow-cut)" : "url(#arrow)" });
    if (edge.cut) path.append(svg("title", {}, "A cut: the state continues, but no gradient flows back."));
    this.lines.push({ path, edge });
    return path;
  }

  box(item) {
    const { x, y, width, height } = item;
    const { title, subtitle, words, kind } = this.describe(item);
    // A parameter has a bar on its left, and a gate with a heat map has the map there.
    const left = kind.startsWith("parameter") ? 5 : item.heat ? HEAT + 3 : 0;
    const [middle, room] = [(left + width) / 2, width - left - 8];
    // A nested svg clips its content, so even a wide letter stays inside the box.
    // The title element below holds the box's label for screen readers.
    const inside = svg("svg", { x, y, width, height, "aria-hidden": "true" },
      fit(svg("text", { class: "title", x: middle, y: subtitle ? 18 : 26 }), title, room, 15, 11, 600),
      subtitle ? fit(svg("text", { class: "subtitle", x: middle, y: 34 }), subtitle, room, 10.5, 8.5) : null);
    if (item.heat) this.heats.push({ inside, id: item.ids[0] });
    const badge = svg("text", { class: "badge", x: x + width - 4, y: y - 4, "aria-hidden": "true" });
    const group = svg("g", {
      class: `box ${kind}`, role: "button", tabindex: resting(item), "data-key": item.key, ...this.listeners(item),
    }, ...this.outline(item, kind), inside, badge, svg("title", {}, words));
    this.boxes.set(item.key, { group, badge, item, kind });
    return group;
  }

  outline(item, kind) {
    const { x, y, width, height } = item;
    const shapes = [svg("rect", { class: "shape", x, y, width, height, rx: kind.includes("gate") ? 8 : item.kind === "fold" ? 12 : 2 })];
    if (item.kind === "fold" && item.ids.length > 1)
      shapes.unshift(svg("rect", { class: "shape behind", x: x + 4, y: y + 4, width, height, rx: 12 }));
    if (kind.includes("parameter")) shapes.push(svg("rect", { class: "bar", x, y, width: 5, height }));
    if (item.loop)
      shapes.push(svg("path", { class: "edge loop", d: `M ${x + width - 34} ${y} c 6 -22, -58 -22, -62 -3`, "marker-end": "url(#arrow)" }));
    return shapes;
  }

  describe(item) {
    const { model } = this;
    const [id] = item.ids;
    if (item.kind === "node") {
      const node = model.nodes[id];
      const shape = model.value(id).shape;
      const root = id === model.root ? " root" : "";
      const gate = shorten(node.gate && node.name ? `${node.name}: ${node.gate}` : model.title(id), 80);
      const number = model.value(id).size === 1 ? brief(model.value(id).first) : "";
      const inputs = (node.inputs ?? []).map((parent) => shorten(model.title(parent), 40));
      const words = [
        `${node.measured ? "wrong: " : ""}${gate}${number && ` = ${number}`}`, node.gate ? "" : node.kind, shape.length ? `shape ${shape.join(" by ")}` : "scalar",
        item.heat ? "with a heat map" : "", inputs.length ? `inputs: ${inputs.slice(0, MOST_NAMED).join(", ")}${inputs.length > MOST_NAMED ? ` and ${inputs.length - MOST_NAMED} more` : ""}` : "",
        node.scope ? `in ${shorten(node.scope, 80)}` : "", node.starved ? "no gradient reaches it" : "",
      ];
      return {
        title: model.symbol(id),
        subtitle: node.gate && node.name ? node.name : number || shapeText(shape),
        words: words.filter(Boolean).join(", "),
        kind: `${node.kind}${root}${node.starved ? " starved" : ""}${node.measured ? " wrong-gate" : ""}`,
      };
    }
    const label = item.label ?? model.data.bands[item.band].label;
    const columns = new Set(item.ids.map((one) => model.nodes[one].column)).size;
    const gates = item.ids.filter((one) => model.nodes[one].gate).length;
    const each = columns > 1 ? `${counted(Math.round(gates / columns), "gate")} in each` : counted(gates, "gate");
    const starved = item.ids.every((one) => model.nodes[one].starved || !model.hasGrad(one)) ? " starved" : "";
    return {
      title: columns > 1 ? `${shorten(label, 11)} ×${columns}` : label,
      subtitle: each,
      words: `${label}${columns > 1 ? `, ${columns} steps` : ""} folded, ${counted(gates, "gate")}. Activate to open.`,
      kind: `fold${starved}${item.ids.some((one) => model.nodes[one].measured) ? " wrong-gate" : ""}`,
    };
  }

  /**
   * Mark the boxes. `now` is the current node, `touched` are the inputs in its step. `statusOf(id)` returns done, now,
   * touched, todo or given; `badgeOf(id)` returns a short text or "". Only differences from the last call change the page.
   */
  mark(now, touched, backward, statusOf, badgeOf) {
    for (const box of this.boxes.values()) {
      const { group, badge, item, kind } = box;
      if (!badge) continue; // a frame
      const status = item.kind === "node" ? statusOf(item.ids[0]) : statusOfMany(item.ids.map(statusOf));
      const text = badgeOf(item);
      if (box.status !== status) group.setAttribute("class", `box ${kind} ${status}`);
      if (badge.textContent !== text) badge.textContent = text;
      box.status = status;
    }
    const current = this.boxes.get(this.layout.keys[now]);
    this.current?.group.setAttribute("tabindex", resting(this.current.item));
    this.current?.group.removeAttribute("aria-current");
    current?.group.setAttribute("tabindex", "0");
    current?.group.setAttribute("aria-current", "step");
    this.current = current;
    this.markLines(now, touched, backward);
  }

  markLines(now, touched, backward) {
    this.active?.forEach(({ path }) => {
      path.classList.remove("now");
      path.removeAttribute("marker-start");
      path.setAttribute("marker-end", "url(#arrow)");
    });
    this.active = this.lines.filter(({ edge }) => !edge.cut && edge.pairs.some(([from, to]) => to === now && touched.has(from)));
    for (const { path } of this.active) {
      path.classList.add("now");
      // Gradients flow against the edges, so in a backward step the arrow points back.
      path.removeAttribute(backward ? "marker-end" : "marker-start");
      path.setAttribute(backward ? "marker-start" : "marker-end", "url(#arrow-now)");
    }
  }

  /** Move the focus to the box or the frame of a scope. */
  focusScope(path) {
    const { group, item } = this.boxes.get(`frame ${path}`) ?? this.boxes.get(`scope ${path}`);
    this.reveal(visiblePart(item));
    group.focus({ preventScroll: true });
  }

  /** Move the focus to the box of a node. */
  focusNode(id) {
    this.boxes.get(this.layout.keys[id])?.group.focus({ preventScroll: true });
  }

  boxOf(id) {
    return this.boxes.get(this.layout.keys[id])?.item;
  }
}

/** The part of a box or frame that must be in view while it has the focus. Of a high frame, this is its top, with the title. */
function visiblePart(item) {
  return { ...item, height: Math.min(item.height, 60) };
}

/** Tab reaches the current box, and all scopes that open or fold. */
function resting(item) {
  return item.path === undefined ? "-1" : "0";
}

function statusOfMany(all) {
  if (all.includes("now")) return "now";
  return all.includes("touched") ? "touched" : all.every((one) => one !== "todo") ? "done" : "todo";
}

function arrow(id) {
  return svg("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" },
    svg("path", { d: "M 0 0.5 L 8 4 L 0 7.5 z" }));
}

// A line within a column runs down, and a line to the next column runs sideways. A longer line runs above the row of
// the box that it leads to. So the forty lines of a shared weight form one rail with forty exits.
function curve(from, to) {
  if (from.slot === to.slot) {
    const down = to.y > from.y;
    const [x1, y1] = [from.x + from.width / 2, down ? from.y + from.height : from.y];
    const [x2, y2] = [to.x + to.width / 2, down ? to.y : to.y + to.height];
    const bend = (y2 - y1) / 2;
    // A line that passes other rows bends outwards, to avoid running behind the boxes there.
    const out = from.slot.kind !== "scopes" && Math.abs(y2 - y1) > 60 && Math.abs(x1 - x2) < 20 ? from.width * 1.05 : 0;
    return `M ${x1} ${y1} C ${x1 - out} ${y1 + bend}, ${x2 - out} ${y2 - bend}, ${x2} ${y2}`;
  }
  const right = to.slot.x > from.slot.x;
  if (to.slot.place > from.slot.place + 1 || from.slot.kind === "shared") return rail(from, to);
  const [x1, y1] = [right ? from.x + from.width : from.x, from.y + from.height / 2];
  const [x2, y2] = [right ? to.x : to.x + to.width, to.y + to.height / 2];
  const bend = Math.max(24, Math.abs(x2 - x1) / 2) * (right ? 1 : -1);
  return `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}`;
}

// A line from the right of a box to the right of another, along the rail beside the boxes between them.
function beside({ from, to, rail: x }) {
  const [x1, x2] = [from.x + from.width, to.x + to.width];
  const [y1, y2] = [from, to].map((box) => box.y + box.height / 2);
  const turn = Math.sign(y2 - y1) * 12;
  return `M ${x1} ${y1} Q ${x} ${y1}, ${x} ${y1 + turn} L ${x} ${y2 - turn} Q ${x} ${y2}, ${x2} ${y2}`;
}

function rail(from, to) {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const lane = from.ids[0] % 3; // rails to the same row run side by side
  const [x2, y2] = [to.x + to.width * (0.15 + 0.1 * lane), to.y - 7 - 4 * lane];
  const start = Math.min(x1 + 26, x2 - 12);
  return `M ${x1} ${y1} C ${start} ${y1}, ${x1} ${y2}, ${start + 10} ${y2} L ${x2 - 8} ${y2} Q ${x2} ${y2}, ${x2} ${to.y}`;
}
