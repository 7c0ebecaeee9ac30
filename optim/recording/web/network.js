// The network: a row for each part with its histograms, and lines between the rows that are as thick as the gradient.
import { el, foreign, shorten, svg } from "../../../minigrad/explorer/web/dom.js";
import { number, percent, series, shortNames, unpack } from "./data.js";

const BINS = 32;
const LOWEST = -12; // the lowest decade, which also counts gradients of 0
const GUTTER = 44;
const DOT = 37;
const [LEAST, MOST] = [1.5, 8];
const HEADS = ["Part", "Weights", "Gradients", "Outputs", "Update", "Idle"];

const EXPLAINED = "Each row is a part of the network, from the inputs down to the loss. The lines show the gradient that flows back "
  + "between the parts: the thickest line is the largest gradient of the run, and a dashed line has none.";
const COLUMNS = [
  ["Weights", "how the part's parameters are distributed, over one range for all steps"],
  ["Gradients", "how large the gradients of its parameters are, in decades from 1e−12 to 100, the same for all parts"],
  ["Outputs", "how the outputs for the step's batch are distributed"],
  ["Update", "the length of the step's change divided by the length of the parameters; about 0.001 is usual"],
  ["Idle", "the share of ReLU units that are 0 for the whole batch (dead), or of tanh and sigmoid outputs where the slope is nearly 0 (saturated)"],
];

/** What is unusual at the step being shown. */
let alarms = [];

/** A histogram. `show(index)` draws the bars of a step. */
function histogram(kind, data) {
  const path = svg("path", { class: `bars ${kind}` });
  const zero = data.low < 0 && data.high > 0 && kind !== "gradients" ? (BINS * -data.low) / (data.high - data.low) : null;
  const picture = svg("svg", { viewBox: "0 0 32 24", preserveAspectRatio: "none", role: "img" },
    zero === null ? null : svg("path", { class: "zero", d: `M${zero} 0V24` }), path);
  const ends = kind === "gradients" ? ["1e−12", "100"] : [number(data.low), number(data.high)];
  const caption = el("span", { class: "middle" });
  const strange = el("span", { class: "alarm" });
  const facts = data.facts;
  return {
    element: el("div", { class: "histogram" }, picture, el("div", { class: "ends" }, el("span", {}, ends[0]), caption, el("span", {}, ends[1])), strange),
    show(index) {
      const bars = data.at(index);
      let d = "M0 24";
      for (let i = 0; i < BINS; i += 1) d += `V${24 - (22 * bars[i]) / 255}H${i + 1}`;
      path.setAttribute("d", `${d}V24Z`);
      const [middle, spread, lost] = facts.at(index);
      let words = `spread ${number(spread)}`;
      if (kind === "gradients") words = middle > LOWEST ? `about ${number(10 ** middle)}` : "mostly 0";
      const nothing = Number.isNaN(middle);
      caption.textContent = nothing ? "" : words;
      strange.textContent = lost ? "not finite" : "";
      if (lost) alarms.push(`${kind} that are not finite`);
      picture.setAttribute("aria-label", nothing ? `${kind}: none` : kind === "gradients" ? `gradients: ${words}` : `${kind}: middle ${number(middle)}, ${words}`);
    },
  };
}

/** A cell with a number and a bar on a logarithmic scale. */
function update(values) {
  const bar = el("span", { class: "bar" });
  const text = el("span", {});
  const track = el("span", { class: "track", "aria-hidden": "true" }, bar);
  return {
    element: el("div", { class: "update" }, text, track),
    show(index) {
      const [ratio] = values.at(index);
      const known = !Number.isNaN(ratio);
      let verdict = "";
      if (ratio > 0.1) verdict = " large";
      else if (ratio < 1e-5) verdict = " tiny";
      text.textContent = known ? `${number(ratio)}${verdict}` : "no step";
      text.className = verdict ? "alarm" : "";
      if (verdict) alarms.push(`${verdict.trim()} updates`);
      track.style.visibility = known ? "visible" : "hidden";
      bar.style.width = known ? `${Math.max(2, Math.min(100, (100 * (Math.log10(ratio || 1e-9) + 6)) / 6))}%` : "0";
    },
  };
}

function idle(dead, saturated) {
  const values = dead ?? saturated;
  const text = el("span", {});
  return {
    element: text,
    show(index) {
      const [share] = values.at(index);
      text.textContent = Number.isNaN(share) ? "–" : `${percent(share)} ${dead ? "dead" : "saturated"}`;
      text.className = share > 0.5 ? "alarm" : "";
      if (share > 0.5) alarms.push(dead ? "mostly dead units" : "mostly saturated outputs");
    },
  };
}

/** The lines between the rows. */
function lines(run, order) {
  const edges = [...series(run, "edge")].map(([ends, values]) => [...ends.split("\n").map((name) => order.get(name)), values])
    .filter(([from, to]) => from !== undefined && to !== undefined); // both are in the first batch's graph
  const all = edges.flatMap(([, , values]) => [...values.values]).filter((norm) => norm > 0 && Number.isFinite(norm)).map(Math.log10);
  const [low, high] = [all.reduce((a, b) => Math.min(a, b), 99), all.reduce((a, b) => Math.max(a, b), -99)];
  const decades = Math.max(LEAST, Math.min(MOST, high - low));
  const paths = edges.map(() => svg("path", { class: "edge" }));
  const picture = svg("svg", { class: "lines", width: GUTTER, role: "img" }, ...paths);
  return {
    element: picture,
    /** Put the lines where the rows are. */
    arrange(centres, height) {
      picture.setAttribute("height", height);
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
        paths[i].setAttribute("stroke-width", 0.8 + 10 * Math.max(0, Math.min(1, share)));
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
  const unusual = el("p", { class: "unusual" });
  const show = (index) => {
    const places = new Map();
    for (const [name, content] of shown) {
      alarms = [];
      content.show(index);
      alarms.forEach((alarm) => places.set(alarm, [...(places.get(alarm) ?? []), name]));
    }
    edges.show(index);
    const told = [...places].map(([alarm, names]) => `${alarm} in ${shorten([...new Set(names)].join(", "), 60)}`);
    unusual.textContent = told.length ? `Unusual at this step: ${told.join("; ")}.` : "";
  };
  return {
    title: "The network",
    explained: EXPLAINED,
    element: el("div", {}, unusual, frame, el("dl", { class: "legend" }, ...COLUMNS.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))))),
    show,
  };
}
