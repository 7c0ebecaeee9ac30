// The network: a row for each part with its histograms, and lines between the rows that are as thick as the gradient.
import { el, foreign, shorten, svg } from "../../../minigrad/explorer/web/dom.js";
import { number, percent, series, shortNames, steps, unpack } from "./data.js";

const BINS = 32;
const GUTTER = 44;
const DOT = 37;
const [LEAST, MOST] = [1.5, 8];
const HEADS = ["Part", "Weights", "Gradients", "Outputs", "Update", "Idle"];

const [TINY, LARGE, HUGE] = [1e-4, 0.1, 10];
const VANISHES = 3; // decades

const EXPLAINED = "Each row is a part of the network, from the inputs down to the loss, with the symbols of its gates, such as × for a product with the weights, "
  + "+ for the bias and σ for a sigmoid.";
const COLUMNS = [
  ["Lines", "how long the gradient is that flows back to the outputs of the part above, on a logarithmic scale: the thickest line is the largest gradient of the run, a dashed one is 0. A part whose units are dead passes nothing on"],
  ["Weights", "how the part's parameters are distributed, over one range for all steps, or over the step's own range if that is far narrower; spread is the standard deviation, and the dotted line is 0"],
  ["Gradients", "how large the gradients of its parameters are, in decades, the same for all parts; what is smaller or larger is in the outermost bars, zeros are left out; “about” and “rest” name the median without zeros"],
  ["Outputs", "how the outputs for the step's batch are distributed, drawn as the weights are"],
  ["Update", `the length of the step's change divided by the length of the parameters. The bar goes from 1e−6 to 1 in decades; the tick is 0.001, which is usual. Below ${TINY} is tiny, above ${LARGE} large, above ${HUGE} huge`],
  ["Idle", "the share of ReLU units that are 0 for the whole batch (dead), or of tanh and sigmoid outputs where the slope is nearly 0 (saturated); other parts have no entry"],
];

/** A histogram. `show(index)` draws the bars of a step, and `alarm(index)` names what is unusual. */
function histogram(kind, data) {
  const path = svg("path", { class: `bars ${kind}` });
  const zero = svg("path", { class: "zero" });
  const picture = svg("svg", { viewBox: "0 0 32 24", preserveAspectRatio: "none", role: "img" }, zero, path);
  const [first, caption, last] = ["", "middle", ""].map((place) => el("span", { class: place }));
  const strange = el("span", { class: "alarm" });
  const sizes = kind === "gradients";
  const words = ([middle, spread, , zeros]) => {
    if (zeros === 1) return "all 0";
    if (Number.isNaN(middle)) return "";
    if (!sizes) return `spread ${number(spread)}`;
    return zeros > 0.005 ? `${percent(zeros)} zero, rest ${number(10 ** middle)}` : `about ${number(10 ** middle)}`;
  };
  const alarm = (index) => (data.facts.at(index)[2] ? `${kind} that are not finite` : "");
  return {
    element: el("div", { class: "histogram" }, picture, el("div", { class: "ends" }, first, caption, last), strange),
    alarm,
    show(index) {
      const bars = data.at(index);
      let d = "M0 24";
      for (let i = 0; i < BINS; i += 1) d += `V${24 - (22 * bars[i]) / 255}H${i + 1}`;
      path.setAttribute("d", `${d}V24Z`);
      const facts = data.facts.at(index);
      const [low, high] = facts.slice(4);
      [first.textContent, last.textContent] = Number.isNaN(low) ? ["", ""] : (sizes ? [10 ** low, 10 ** high] : [low, high]).map(number);
      zero.setAttribute("d", !sizes && low < 0 && high > 0 ? `M${(BINS * -low) / (high - low)} 0V24` : "");
      caption.textContent = words(facts);
      strange.textContent = alarm(index) ? "not finite" : "";
      picture.setAttribute("aria-label", `${kind}: ${sizes || Number.isNaN(low) ? "" : `middle ${number(facts[0])}, `}${words(facts) || "none"}`);
    },
  };
}

/** A cell with a number and a bar on a logarithmic scale. */
function update(values) {
  const bar = el("span", { class: "bar" });
  const text = el("span", {});
  const track = el("span", { class: "track tick", "aria-hidden": "true" }, bar);
  const verdict = (ratio) => {
    if (ratio === 0) return "no";
    if (ratio > LARGE) return ratio > HUGE ? "huge" : "large";
    return ratio < TINY ? "tiny" : "";
  };
  return {
    element: el("div", { class: "update" }, text, track),
    alarm(index) {
      const word = verdict(values.at(index)[0]);
      return word && `${word} updates`;
    },
    show(index) {
      const [ratio] = values.at(index);
      const known = !Number.isNaN(ratio);
      const word = verdict(ratio);
      text.textContent = known ? `${number(ratio)} ${word === "no" ? "unchanged" : word}` : "–";
      text.className = word === "huge" ? "alarm" : "";
      track.style.visibility = known ? "visible" : "hidden";
      bar.style.width = `${Math.max(0, Math.min(100, (100 * (Math.log10(ratio || 1e-9) + 6)) / 6))}%`;
    },
  };
}

function idle(dead, saturated) {
  const values = dead ?? saturated;
  const text = el("span", {});
  const alarm = (index) => (values.at(index)[0] > 0.5 ? `more than half of the ${dead ? "units dead" : "outputs saturated"}` : "");
  return {
    element: text,
    alarm,
    show(index) {
      const [share] = values.at(index);
      text.textContent = Number.isNaN(share) ? "–" : `${percent(share)} ${dead ? "dead" : "saturated"}`;
      text.className = alarm(index) ? "alarm" : "";
    },
  };
}

/** Name the recorded steps with some indices. */
function when(run, indices, total) {
  const [first, last] = [indices[0], indices.at(-1)];
  const [from, to] = [first, last].map((index) => run.steps[index].toLocaleString("en"));
  if (indices.length === total) return "In all recorded steps";
  if (indices.length < last - first + 1) return `In ${indices.length} of ${total} recorded steps`;
  if (last === total - 1) return `From step ${from} on`;
  return first === last ? `At step ${from}` : `In steps ${from} to ${to}`;
}

/** Sentences about the whole run: what is unusual in at least half of the recorded steps, or in any if that is bad enough. */
function unusual(run, shown) {
  const total = steps(run);
  const found = new Map();
  for (const [name, content] of shown) {
    const places = new Map();
    for (let index = 0; index < total; index += 1) {
      const alarm = content.alarm(index);
      if (alarm) places.set(alarm, [...(places.get(alarm) ?? []), index]);
    }
    for (const [alarm, indices] of places) {
      const urgent = alarm === "huge updates" || alarm.endsWith("finite");
      if (!urgent && indices.length < (alarm === "no updates" ? 1 : 0.5) * total) continue;
      const key = urgent ? alarm : [alarm, ...indices].join();
      const { names = new Set(), all = new Set() } = found.get(key) ?? {};
      found.set(key, { alarm, urgent, names: names.add(name), all: new Set([...all, ...indices]) });
    }
  }
  const sorted = [...found.values()].sort((one, other) => other.urgent - one.urgent || one.alarm.localeCompare(other.alarm));
  return sorted.map(({ alarm, names, all }) => `${when(run, [...all].sort((a, b) => a - b), total)}: ${alarm} in ${shorten([...names].join(", "), 60)}.`);
}

/** A sentence about the gradients of the first and last parts, if one is far larger. */
function vanishing(run, short, gradients) {
  const parts = run.parts.map(([name]) => name).filter((name) => gradients.has(name) && name !== "loss");
  const [first, last] = [parts[0], parts.at(-1)];
  const middle = (name, index) => gradients.get(name).facts.at(index)[0];
  const decades = parts.length < 2 ? [] : Array.from({ length: steps(run) }, (_, i) => middle(last, i) - middle(first, i)).filter(Number.isFinite).sort((a, b) => a - b);
  const typical = decades[Math.floor(decades.length / 2)] ?? 0;
  if (Math.abs(typical) < VANISHES) return [];
  const factor = Number((10 ** Math.abs(typical)).toPrecision(2)).toLocaleString("en");
  return [`Over the run: gradients ${typical > 0 ? "shrink" : "grow"} by a factor of ${factor} from ${short.get(last)} back to ${short.get(first)}.`];
}

/** The lines between the rows. */
function lines(run, order) {
  const edges = [...series(run, "edge")].map(([ends, values]) => [...ends.split("\n").map((name) => order.get(name)), values])
    .filter(([from, to]) => from !== undefined && to !== undefined); // both are in the first batch's graph
  const all = edges.flatMap(([, , values]) => [...values.values]).filter((norm) => norm > 0 && Number.isFinite(norm)).map(Math.log10);
  const [low, high] = [all.reduce((a, b) => Math.min(a, b), 99), all.reduce((a, b) => Math.max(a, b), -99)];
  const decades = Math.max(LEAST, Math.min(MOST, high - low));
  const paths = edges.map(() => svg("path", { class: "edge" }));
  const dots = [...order].map(() => svg("circle", { cx: DOT, r: 5 }));
  const picture = svg("svg", { class: "lines", width: GUTTER, role: "img" }, ...paths, ...dots);
  return {
    element: picture,
    /** Put the lines where the rows are. */
    arrange(centres, height) {
      picture.setAttribute("height", height);
      dots.forEach((dot, i) => dot.setAttribute("cy", centres[i]));
      edges.forEach(([from, to], i) => {
        const [a, b] = [centres[from], centres[to]];
        const near = Math.abs(to - from) === 1;
        const depth = DOT - Math.min(DOT - 7, 8 + 5 * Math.abs(to - from));
        paths[i].setAttribute("d", near ? `M${DOT} ${a}V${b}` : `M${DOT} ${a}C${depth} ${a} ${depth} ${b} ${DOT} ${b}`);
      });
    },
    show(index) {
      let [weakest, strongest] = [null, null];
      edges.forEach(([from, to, values], i) => {
        const [norm] = values.at(index);
        const some = norm > 0;
        const share = some ? 1 + (Math.log10(norm) - high) / decades : 0;
        paths[i].setAttribute("stroke-width", some ? 0.8 + 10 * Math.max(0, Math.min(1, share)) : 1.5);
        paths[i].setAttribute("class", some ? "edge" : "edge none");
        if (!weakest || norm < weakest[2]) weakest = [from, to, norm];
        if (!strongest || norm > strongest[2]) strongest = [from, to, norm];
      });
      if (!strongest) return;
      const names = [...order.keys()];
      const say = ([from, to, norm]) => `${number(norm)} from ${names[to]} back to ${names[from]}`;
      picture.setAttribute("aria-label", `Gradients between the parts: the largest is ${say(strongest)}, the smallest ${say(weakest)}`);
    },
  };
}

export function network(run) {
  const order = new Map(run.parts.map(([name], i) => [name, i]));
  const short = shortNames(run.parts);
  const kinds = Object.fromEntries(["weights", "gradients", "outputs", "ratio", "dead", "saturated"].map((kind) => [kind, series(run, kind)]));
  for (const kind of ["weights", "gradients", "outputs"]) {
    for (const data of kinds[kind].values()) data.facts = unpack(data.facts);
  }
  const shown = [];
  const cell = (name, content, label) => {
    if (content) shown.push([short.get(name), content]);
    return el("td", { role: "cell", "data-label": label, class: content ? label.toLowerCase() : "empty" }, content ? content.element : null);
  };
  const rows = run.parts.map(([name, gates, parameters]) => {
    const about = [gates.join(" "), parameters ? `${parameters.toLocaleString("en")} parameters` : ""].filter(Boolean).join(" · ");
    const filled = (kind) => (kinds[kind].get(name)?.facts.values.some((value) => !Number.isNaN(value) && value !== 0) ? histogram(kind, kinds[kind].get(name)) : null);
    const joint = !parameters && gates.join() === name.replace(/ \d+$/, "");
    const quiet = name === "loss" || joint;
    return el("tr", { role: "row", class: quiet ? "quiet" : "" },
      el("th", { role: "rowheader", scope: "row" }, el("span", { class: "name" }, foreign(short.get(name))), el("span", { class: "muted" }, quiet ? "" : about)),
      cell(name, filled("weights"), "Weights"),
      cell(name, filled("gradients"), "Gradients"),
      cell(name, quiet ? null : filled("outputs"), "Outputs"),
      cell(name, kinds.ratio.has(name) ? update(kinds.ratio.get(name)) : null, "Update"),
      cell(name, kinds.dead.has(name) || kinds.saturated.has(name) ? idle(kinds.dead.get(name), kinds.saturated.get(name)) : null, "Idle"));
  });
  const edges = lines(run, order);
  const table = el("table", { role: "table", "aria-label": "Parts of the network" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...HEADS.map((head) => el("th", { role: "columnheader", scope: "col" }, head)))),
    el("tbody", { role: "rowgroup" }, ...rows));
  const frame = el("div", { class: "network" }, edges.element, table);
  const arrange = () => {
    const top = frame.getBoundingClientRect().top;
    const centres = rows.map((row) => {
      const box = row.querySelector(".name").getBoundingClientRect();
      return box.top + box.height / 2 - top;
    });
    edges.arrange(centres, frame.offsetHeight);
  };
  new ResizeObserver(arrange).observe(frame);
  const told = [...vanishing(run, short, kinds.gradients), ...unusual(run, shown)];
  const show = (index) => {
    shown.forEach(([, content]) => content.show(index));
    edges.show(index);
  };
  return {
    title: "The network",
    told,
    explained: EXPLAINED,
    element: el("div", {}, frame, el("dl", { class: "legend" }, ...COLUMNS.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))))),
    show,
  };
}
