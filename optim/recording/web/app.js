// Puts the page together: chooses a run and a recorded step, and tells all panels to show it.
import { byId, el, foreign, shorten } from "../../../minigrad/explorer/web/dom.js";
import { described, lossCurve, nearest, proof } from "./curve.js";
import { DATA, series, shortNames, stepName, steps } from "./data.js";
import { network } from "./network.js";
import { attention, convolutions, epochs, examples, overTime, words } from "./panels.js";
import { readPalette } from "./pictures.js";

const slider = byId("slider");
let current = null;

function panel({ title, explained, element }) {
  return el("section", { class: "panel" }, el("h2", {}, title), el("p", { class: "explained" }, explained), element);
}

function open(number) {
  const run = DATA.runs[number];
  const findings = number === 0 ? DATA.findings : [];
  const curve = lossCurve(run, findings, choose);
  const panels = [examples(run), network(run), overTime(run), attention(run), ...convolutions(run), words(run), epochs(run)].filter(Boolean);
  current = { run, curve, panels, exact: series(run, "loss").get(""), index: first(run, findings) };
  byId("curve").replaceChildren(curve.element);
  byId("panels").replaceChildren(...panels.map(panel));
  byId("settings").textContent = settings(run);
  const told = panels.flatMap((one) => one.told ?? []);
  byId("unusual").hidden = !told.length;
  byId("told").replaceChildren(...told.map((sentence) => el("li", {}, sentence)));
  byId("jump").hidden = !run.steps.includes(run.jump);
  slider.max = run.steps.length - 1;
  choose(current.index);
  panels.forEach((one) => one.paint?.());
}

/** The step to begin with: where the first finding begins, the step of the other network, or the last step. */
function first(run, findings) {
  if (current) return nearest(run, current.run.steps[current.index]);
  return findings.length ? nearest(run, findings[0].step) : Math.max(0, steps(run) - 1);
}

/** The optimizer, the size of the first batch, and the loss. */
function settings({ settings: known, examples: { batch, kind } }) {
  const loss = kind.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
  return [...known, batch && `batch size ${batch.toLocaleString("en")}`, loss && `${loss} loss`].filter(Boolean).join(" · ");
}

function choose(index) {
  const { run, curve, panels, exact } = current;
  current.index = Math.max(0, Math.min(run.steps.length - 1, index));
  slider.value = current.index;
  slider.setAttribute("aria-valuetext", described(run, exact, current.index));
  const name = stepName(run, current.index);
  const step = run.steps[current.index];
  const note = step > run.count ? ", computed for the first batch; no update follows" : "";
  const jump = step === run.jump ? ", the largest jump" : "";
  byId("readout").replaceChildren(el("b", {}, name[0].toUpperCase() + name.slice(1)), `${described(run, exact, current.index).slice(name.length)}${note}${jump}`);
  curve.show(current.index);
  panels.forEach((one) => one.show(current.index));
}

function finding(one, i) {
  const [run] = DATA.runs;
  const go = run && el("button", { onclick: () => choose(nearest(run, one.step)) }, `Go to step ${one.step}`);
  return el("article", {},
    el("h3", {}, el("span", { class: "number" }, String(i + 1)), " ", foreign(one.what)),
    el("p", {}, `This is ${one.certainty}. `, one.where ? el("span", {}, "It is in ", el("code", {}, one.where), one.text ? ": " : ".", one.text ? el("code", {}, one.text) : null) : null),
    el("p", {}, el("b", {}, "Why it matters: "), foreign(one.effect), "."),
    el("p", {}, el("b", {}, "What to change: "), foreign(one.remedy), "."),
    go,
    one.trial.length ? proof(one) : null);
}

/** The names of the first parts, by which the reader knows the network. */
function layersOf(run) {
  const names = shortNames(run.parts);
  return shorten(run.parts.map(([name]) => names.get(name)).join(", "), 40);
}

function start() {
  byId("title").textContent = DATA.title;
  const [run] = DATA.runs;
  const count = DATA.runs.length;
  if (DATA.findings.length) {
    byId("findings").hidden = false;
    byId("findings").append(el("h2", {}, "What went wrong"), ...DATA.findings.map(finding));
  } else if (DATA.verdict) {
    byId("findings").hidden = false;
    byId("findings").append(el("p", {}, DATA.verdict));
  }
  if (!run) {
    byId("facts").textContent = "no step was recorded";
    document.documentElement.dataset.ready = "yes";
    return;
  }
  readPalette();
  byId("control").hidden = byId("hint").hidden = false;
  const all = (one) => `${one.count.toLocaleString("en")} steps, ${one.steps.length} of them recorded${one.failed ? `, ${one.failed} could not be computed again` : ""}`;
  byId("facts").textContent = count > 1 ? `${count} networks` : all(run);
  byId("choice").hidden = count < 2;
  byId("run").append(...DATA.runs.map((one, i) => el("option", { value: i }, `${i + 1}: ${layersOf(one)} (${all(one)})`)));
  byId("run").addEventListener("change", () => open(Number(byId("run").value)));
  slider.addEventListener("input", () => choose(Number(slider.value)));
  byId("previous").addEventListener("click", () => choose(current.index - 1));
  byId("next").addEventListener("click", () => choose(current.index + 1));
  byId("jump").addEventListener("click", () => choose(nearest(current.run, current.run.jump)));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readPalette();
    current.panels.forEach((one) => one.paint?.());
    choose(current.index);
  });
  open(0);
  document.documentElement.dataset.ready = "yes";
}

start();
