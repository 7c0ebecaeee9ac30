// The panels below the network. Each returns null if the run has nothing to show in it.
import { el, foreign, shorten, svg } from "../../../minigrad/explorer/web/dom.js";
import { number, percent, series, shortNames, unpack } from "./data.js";
import { tiles } from "./pictures.js";

/** A panel with a figure for each part of the network. */
function figures(title, explained, made) {
  if (!made.length) return null;
  return {
    title,
    explained,
    element: el("div", { class: "figures" }, ...made.map(({ caption, element }) => el("figure", {}, element, el("figcaption", {}, caption)))),
    show: (index) => made.forEach((one) => one.show(index)),
  };
}

export function examples(run) {
  const { kind, texts } = run.examples;
  const labels = [...unpack(run.examples.labels).values];
  const answers = series(run, "answers").get("");
  if (!answers || !labels.length) return null;
  const count = labels.length;
  const classes = ["SoftmaxCrossEntropy", "NegativeLogLikelihood"].includes(kind);
  const graded = classes || kind === "BinaryCrossEntropy";
  const steps = run.steps.length;
  const picture = run.examples.pictures && unpack(run.examples.pictures);
  const painted = [];
  const same = el("p", {});
  const range = graded ? "0% to 100%" : "lowest to highest";
  const heads = ["Input", "Label", "Prediction", graded ? "Probability of the label" : "Prediction − label", `${graded ? "Probability" : "Prediction"} over the recorded steps, ${range}`];
  const rows = labels.map((label, i) => {
    let what = `row ${i + 1}`;
    if (picture) {
      const tile = tiles(1, picture.shape[1], picture.shape[2], 1, 40 / picture.shape[1]);
      tile.element.setAttribute("aria-label", `picture ${i + 1}`);
      painted.push(() => tile.show(picture.at(i)));
      what = tile.element;
    } else if (texts) {
      what = foreign(texts[i].length > 90 ? texts[i].slice(-90).replace(/^\S* /, "… ") : texts[i]);
    }
    const values = Array.from({ length: steps }, (_, step) => answers.at(step)[count + i]);
    const finite = [...values, label].filter(Number.isFinite);
    const [low, high] = graded ? [0, 1] : [Math.min(...finite), Math.max(...finite)];
    const y = (value) => 20 - (18 * (value - low)) / (high - low || 1);
    const d = values.map((value, step) => (Number.isFinite(value) ? `L${step} ${y(value).toFixed(1)}` : "")).join("").replace("L", "M");
    const text = (value) => (graded && Number.isFinite(value) ? percent(value) : number(value));
    const ends = [Math.min, Math.max].map((end) => text(end(...values.filter(Number.isFinite))));
    const course = `from ${text(values[0])} at the first recorded step to ${text(values.at(-1))} at the last, between ${ends.join(" and ")}`;
    const dot = svg("line", { class: "now", y1: 0, y2: 22 });
    const line = svg("svg", { viewBox: `0 0 ${steps - 1 || 1} 22`, preserveAspectRatio: "none", class: "spark", role: "img", "aria-label": values.some(Number.isFinite) ? course : "no finite number" }, svg("path", { class: "run", d }), dot);
    const guess = el("td", { "data-label": heads[2] });
    const share = el("td", { "data-label": heads[3] });
    return {
      element: el("tr", {}, el("td", {}, what), el("td", { "data-label": "Label" }, foreign(run.examples.classes?.[label] ?? number(label))), guess, share, el("td", { "data-label": heads[4] }, line)),
      show(index) {
        const [predicted, right] = [answers.at(index)[i], answers.at(index)[count + i]];
        guess.textContent = classes ? run.examples.classes?.[predicted] ?? String(predicted) : number(predicted);
        share.textContent = graded ? percent(right) : number(right - label);
        share.className = graded && right > 0.5 ? "right" : "";
        dot.setAttribute("x1", index);
        dot.setAttribute("x2", index);
      },
    };
  });
  return {
    title: "Examples",
    explained: graded
      ? "The first rows of the first batch, always the same, with the network's answer and the probability that it gives to the right one."
      : "The first rows of the first batch, always the same, with the network's prediction and its error.",
    element: el("div", {}, same, el("table", { class: "examples" }, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...rows.map((row) => row.element)))),
    show(index) {
      rows.forEach((row) => row.show(index));
      const extent = (values) => values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
      const equal = extent(answers.at(index).subarray(0, count)) <= 0.001 * extent(labels);
      same.textContent = equal && extent(labels) ? "At this step, the prediction is the same for all rows, although their labels differ." : "";
    },
    paint: () => painted.forEach((one) => one()),
  };
}

export function overTime(run) {
  const short = shortNames(run.parts);
  const made = [...series(run, "time")].map(([name, data]) => {
    const [, length] = data.shape;
    const logs = [...data.values].filter((norm) => norm > 0 && Number.isFinite(norm)).map(Math.log10);
    const high = logs.reduce((a, b) => Math.max(a, b), -30);
    const decades = Math.max(1, Math.min(8, Math.ceil(high - logs.reduce((a, b) => Math.min(a, b), high))));
    const path = svg("path", { class: "bars gradients" });
    const picture = svg("svg", { viewBox: `0 0 ${length} 60`, preserveAspectRatio: "none", class: "chart", role: "img" }, path);
    const facts = el("span", { class: "muted" });
    return {
      caption: el("span", {}, foreign(short.get(name) ?? name), ", from the first time step to the last. ", facts),
      element: el("div", { class: "plot" }, picture, el("span", { class: "high" }, number(10 ** high)), el("span", { class: "low" }, number(10 ** (high - decades))), el("span", { class: "end" }, `${length} time steps`)),
      show(index) {
        const norms = data.at(index);
        let d = "";
        norms.forEach((norm, t) => {
          const tall = norm > 0 ? Math.max(0.5, (58 * (Math.log10(norm) - high + decades)) / decades) : 0;
          d += `M${t + 0.1} 60V${60 - tall}H${t + 0.9}V60Z`;
        });
        path.setAttribute("d", d);
        const share = norms[0] / norms[length - 1];
        facts.textContent = `The first has ${number(norms[0])}, the last ${number(norms[length - 1])}${share < 1e-3 ? ": it vanishes" : ""}.`;
        picture.setAttribute("aria-label", `${short.get(name) ?? name}: ${facts.textContent}`);
      },
    };
  });
  return figures("Gradient over time", "How long the gradient is that each time step receives, on a logarithmic scale: where it has vanished, the network cannot learn from what it read there.", made);
}

function pictures(run, kind, describe, columns, size) {
  const short = shortNames(run.parts);
  return [...series(run, kind)].map(([name, data]) => {
    const [, count, height, width] = data.shape;
    const scale = Math.max(2, Math.round(size / Math.max(height, width)));
    const tile = tiles(count, height, width, columns, scale);
    const caption = el("span", {}, foreign(short.get(name) ?? name));
    return {
      caption,
      element: el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${kind} of ${short.get(name) ?? name}` }, tile.element),
      show(index) {
        tile.show(data.at(index));
        tile.element.setAttribute("aria-label", describe(data, index));
      },
    };
  });
}

export function attention(run) {
  const describe = (data, index) => {
    const [, heads, queries, keys] = data.shape;
    const bytes = data.at(index);
    return Array.from({ length: heads }, (_, head) => {
      const part = bytes.subarray(head * queries * keys, (head + 1) * queries * keys);
      const best = part.indexOf(part.reduce((a, b) => Math.max(a, b), 0), 1);
      return `head ${head + 1}: step ${Math.floor(best / keys)} looks at step ${best % keys} with weight ${number((data.largest * (part[best] - 128)) / 127)}`;
    }).join("; ");
  };
  return figures("Attention", "For the first example, a square for each head: the row is the step that looks, the column the step that it looks at, and the colour the weight.", pictures(run, "attention", describe, 4, 130));
}

export function convolutions(run) {
  const describe = (what) => (data, index) => {
    const bytes = data.at(index);
    const sizes = bytes.reduce((sum, byte) => sum + Math.abs(byte - 128), 0) / bytes.length;
    return `${data.shape[1]} ${what} with a mean size of ${number((data.largest * sizes) / 127)}`;
  };
  const kernels = figures("Kernels", "The first kernels of each convolution: orange weights look for bright pixels, blue ones for dark pixels.", pictures(run, "kernels", describe("kernels"), 12, 40));
  const images = figures("Filtered images", "What the kernels make of the first example: orange where a kernel finds its pattern, blue where it finds the opposite.", pictures(run, "images", describe("images"), 6, 64));
  return [kernels, images];
}

export function words(run) {
  const distances = series(run, "distances");
  const made = [...series(run, "rows")].map(([name, rows]) => {
    const lengths = distances.get(name);
    const most = lengths.values.reduce((a, b) => Math.max(a, b), 1e-12);
    const items = Array.from({ length: rows.shape[1] }, () => {
      const [word, bar, length] = [el("bdi", {}), el("span", { class: "bar" }), el("span", { class: "muted" })];
      return { word, bar, length, element: el("li", {}, word, el("span", { class: "track", "aria-hidden": "true" }, bar), length) };
    });
    return {
      caption: el("span", {}, foreign(name)),
      element: el("ol", { class: "words" }, ...items.map((item) => item.element)),
      show(index) {
        items.forEach((item, i) => {
          const length = lengths.at(index)[i];
          item.word.textContent = shorten(run.words[rows.at(index)[i]] || "(empty)", 18);
          item.length.textContent = number(length);
          item.bar.style.width = `${(100 * length) / most}%`;
        });
      },
    };
  });
  return figures("Words that moved", "The rows of the table whose vectors have moved most since the start, and how far.", made);
}

export function epochs(run) {
  if (!run.history.length) return null;
  const columns = Object.keys(run.history.at(-1)).filter((name) => !["epoch", "step", "seconds", "lr"].includes(name));
  const every = Math.ceil(run.history.length / 12);
  const history = run.history.filter((_, i) => (run.history.length - 1 - i) % every === 0);
  const text = (value) => (value === null || value === undefined ? "–" : number(value));
  const heads = ["epoch", "step", ...columns];
  const rows = history.map((row) => el("tr", {}, el("th", { scope: "row" }, text(row.epoch)), ...heads.slice(1).map((name) => el("td", {}, name === "step" ? row.step.toLocaleString("en") : text(row[name])))));
  const which = every > 1 ? `, of every ${every} epochs the last one` : "";
  return {
    title: "Epochs",
    explained: `The mean loss and metrics of each epoch, as the Trainer reports them${which}; the latest complete epoch of the chosen step is marked.`,
    element: el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Epochs" }, el("table", { class: "epochs" }, el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name.replaceAll("_", " "))))), el("tbody", {}, ...rows))),
    show(index) {
      const done = history.filter((row) => row.step < run.steps[index]).length;
      rows.forEach((row, i) => row.toggleAttribute("data-current", i === done - 1));
    },
  };
}
