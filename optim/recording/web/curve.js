// Draws curves of losses: the run's, with the recorded steps and the findings, and those of a proof.
import { el, svg } from "../../../minigrad/explorer/web/dom.js";
import { number, stepName, unpack } from "./data.js";

/** The lowest value, and the highest one. If it is far above the others, one that at most 2% exceed. */
function range(values) {
  const finite = [...values].filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return [0, 1];
  const low = finite[0];
  const usual = finite[Math.floor(0.98 * (finite.length - 1))];
  const high = finite.at(-1) - low > 10 * (usual - low) ? usual : finite.at(-1);
  return [low, high > low ? high : low + 1];
}

function line(values, [low, high], back = false) {
  const last = Math.max(1, values.length - 1);
  let path = "";
  const places = [...values.keys()];
  if (back) places.reverse();
  places.forEach((i) => {
    const value = values[i];
    if (!Number.isFinite(value)) return;
    const share = Math.max(0, Math.min(1.06, (value - low) / (high - low)));
    path += `${path ? "L" : "M"}${((1000 * i) / last).toFixed(1)} ${(94 - 86 * share).toFixed(1)}`;
  });
  return path;
}

function chart(label, ...children) {
  const attributes = { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": label };
  return svg("svg", { class: "chart", ...attributes }, ...children);
}

function labels([low, high], end) {
  return [
    el("span", { class: "high" }, number(high)),
    el("span", { class: "low" }, number(low)),
    el("span", { class: "end" }, end),
  ];
}

/** Where a step is on the axis, from 0 to 1. */
export function place(run, step) {
  return run.count > 1 ? Math.min(1, (step - 1) / (run.count - 1)) : 0;
}

/** The run's curve. `pick(index)` is called when a recorded step or a finding is chosen. */
export function lossCurve(run, findings, pick) {
  const losses = unpack(run.losses);
  const [low, high] = [losses.at(0), losses.at(1)]; // of each point's steps
  const ends = range([...low, ...high]);
  const marks = run.steps.map((step) => `M${(1000 * place(run, step)).toFixed(1)} 100v-7`).join("");
  const now = svg("line", { class: "now", y1: 0, y2: 100 });
  const lowest = Math.min(...low);
  const words = `The loss of ${run.count} steps: ${number(low[0])} at first, ${number(high.at(-1))} at the end, ${number(lowest)} at the lowest.`;
  const picture = chart(
    words,
    svg("path", { class: "run band", d: `${line(high, ends)}${line(low, ends, true).replace("M", "L")}` }),
    svg("path", { class: "marks", d: marks }),
    now,
  );
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const far = run.steps.map((step) => Math.abs(place(run, step) - share));
    pick(far.indexOf(Math.min(...far)));
  });
  const flags = findings.map((finding, i) =>
    el("button", {
      class: "flag",
      "aria-label": `Finding ${i + 1} begins at step ${finding.step}: ${finding.what}`,
      title: finding.what,
      "data-share": place(run, finding.step),
      onclick: () => pick(nearest(run, finding.step)),
    }, String(i + 1)));
  const plot = el("div", { class: "plot" }, picture, ...flags, ...labels(ends, `${run.count.toLocaleString("en")} steps`));
  const spread = () => flags.forEach((flag) => { flag.style.left = `${100 * Number(flag.dataset.share)}%`; });
  return {
    element: plot,
    spread,
    show(index) {
      const x = 1000 * place(run, run.steps[index]);
      now.setAttribute("x1", x);
      now.setAttribute("x2", x);
    },
  };
}

/** The index of the recorded step that is closest to a step. */
export function nearest(run, step) {
  const far = run.steps.map((one) => Math.abs(one - step));
  return far.indexOf(Math.min(...far));
}

/** The two curves of a proof. */
export function proof({ curve, changed, ...curves }) {
  const [run, trial] = [curves.run, curves.trial].map((losses) => losses.map((loss) => loss ?? NaN)); // JSON has no NaN
  const ends = range([...run, ...trial]);
  const longest = Math.max(run.length, trial.length);
  const stretched = (values) => [...values, ...Array(longest - values.length).fill(NaN)];
  const end = (values) => number(values.slice(-Math.max(1, Math.floor(values.length / 10))).reduce((a, b, _, all) => a + b / all.length, 0));
  const words = `${curve[0].toUpperCase()}${curve.slice(1)} ends at ${end(run)}; repeated ${changed}, it ends at ${end(trial)}.`;
  return el("figure", {},
    el("div", { class: "plot" },
      chart(words, svg("path", { class: "run", d: line(stretched(run), ends) }), svg("path", { class: "trial", d: line(stretched(trial), ends) })),
      ...labels(ends, `${longest.toLocaleString("en")} steps`)),
    el("figcaption", {}, `${words} The run is the solid line, the repetition the dashed one.`));
}

/** Describe a recorded step: its number and loss. */
export function described(run, exact, index) {
  return `${stepName(run, index)}, loss ${number(exact.at(index)[0])}`;
}
