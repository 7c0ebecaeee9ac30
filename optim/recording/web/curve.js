// Draws curves of losses: the run's, with the recorded steps and the findings, and those of a proof.
import { el, svg } from "../../../minigrad/explorer/web/dom.js";
import { number, stepName, unpack } from "./data.js";

const FAR = 20;

/** The range of some values, and where a value is in it, from 0 to 1: on a logarithmic scale if the range is large. */
function axis(values) {
  const finite = [...values].filter(Number.isFinite);
  const positive = finite.filter((value) => value > 0);
  const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const log = least(finite) >= 0 && high > FAR * least(positive);
  const low = log ? least(positive) : least(finite);
  const scale = log ? Math.log10 : Number;
  const [bottom, top] = [scale(low), scale(high)];
  const share = (value) => (Number.isFinite(value) ? Math.max(0, (scale(value) - bottom) / (top - bottom || 1)) : NaN);
  return { low, high, middle: log ? Math.sqrt(low * high) : (low + high) / 2, log, share };
}

/** The mean of the points around each point. */
function smooth(shares) {
  const reach = Math.ceil(shares.length / 50);
  return shares.map((_, i) => {
    const near = shares.slice(Math.max(0, i - reach), i + reach + 1).filter(Number.isFinite);
    return near.reduce((sum, share) => sum + share, 0) / near.length;
  });
}

function line(shares, back = false) {
  const last = Math.max(1, shares.length - 1);
  let path = "";
  const places = [...shares.keys()];
  if (back) places.reverse();
  places.forEach((i) => {
    if (Number.isFinite(shares[i])) path += `${path ? "L" : "M"}${((1000 * i) / last).toFixed(1)} ${(94 - 90 * shares[i]).toFixed(1)}`;
  });
  return path;
}

function chart(label, ...children) {
  const attributes = { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": label };
  return svg("svg", { class: "chart", ...attributes }, ...children);
}

function labels({ low, middle, high, log }, title, count) {
  const ends = high > low ? [["high", high], ["middle", middle], ["low", low]] : [["middle", middle]];
  return [
    el("span", { class: "title" }, log ? `${title}, logarithmic scale` : title),
    ...ends.filter(([, value]) => Number.isFinite(value)).map(([name, value]) => el("span", { class: name }, number(value))),
    el("span", { class: "start" }, "step 1"),
    el("span", { class: "end" }, `step ${count.toLocaleString("en")}`),
  ];
}

/** Where a step is on the axis, from 0 to 1. */
export function place(run, step) {
  return run.count > 1 ? Math.min(1, (step - 1) / (run.count - 1)) : 0;
}

/** The run's curve. `pick(index)` is called when a recorded step or a finding is chosen. */
export function lossCurve(run, findings, pick) {
  const losses = unpack(run.losses);
  const [low, high, mean] = [0, 1, 2].map((row) => losses.at(row)); // of each point's steps
  const scale = axis([...low, ...high]);
  const shares = [low, high, mean].map((values) => Array.from(values, scale.share));
  const marks = run.steps.map((step) => `M${(1000 * place(run, step)).toFixed(1)} 100v-7`).join("");
  const now = svg("line", { class: "now", y1: 0, y2: 100 });
  const words = `The loss of ${run.count} steps: ${number(low[0])} at first, ${number(high.at(-1))} at the end, from ${number(scale.low)} to ${number(scale.high)} in between.`;
  const picture = chart(
    words,
    svg("path", { class: "band", d: `${line(shares[1])}${line(shares[0], true).replace("M", "L")}` }),
    svg("path", { class: "run", d: line(smooth(shares[2])) }),
    svg("path", { class: "marks", d: marks }),
    now,
  );
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const far = run.steps.map((step) => Math.abs(place(run, step) - share));
    pick(far.indexOf(Math.min(...far)));
  });
  const flags = findings.map((finding, i) => {
    const about = { "aria-label": `Finding ${i + 1} begins at step ${finding.step}: ${finding.what}`, title: finding.what };
    const flag = el("button", { class: "flag", ...about, onclick: () => pick(nearest(run, finding.step)) }, String(i + 1));
    flag.style.left = `calc(var(--margin) + ${place(run, finding.step)} * (100% - var(--margin)))`;
    return flag;
  });
  const plot = el("div", { class: "plot" }, picture, ...flags, ...labels(scale, "loss", run.count));
  return {
    element: plot,
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
  const scale = axis([...run, ...trial]);
  const longest = Math.max(run.length, trial.length);
  const stretched = (values) => line([...values.map(scale.share), ...Array(longest - values.length).fill(NaN)]);
  const end = (values) => number(values.slice(-Math.max(1, Math.floor(values.length / 10))).reduce((a, b, _, all) => a + b / all.length, 0));
  const words = `${curve[0].toUpperCase()}${curve.slice(1)} ends at ${end(run)}; repeated ${changed}, it ends at ${end(trial)}.`;
  return el("figure", {},
    el("div", { class: "plot" },
      chart(words, svg("path", { class: "run", d: stretched(run) }), svg("path", { class: "trial", d: stretched(trial) })),
      ...labels(scale, curve, longest)),
    el("figcaption", {}, `${words} The run is the solid line, the repetition the dashed one.`));
}

/** Describe a recorded step: its number and loss. */
export function described(run, exact, index) {
  return `${stepName(run, index)}, loss ${number(exact.at(index)[0])}`;
}
