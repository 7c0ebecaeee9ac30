// The output of code: text, errors, pictures, tables and explorers.
import { el } from "./python.js";

export class Output {
  constructor(element) {
    this.element = element;
    this.printed = "";
    this.tidy();
  }

  clear() {
    this.element.replaceChildren();
  }

  show({ kind, content, title }) {
    if (kind === "text") {
      if (!this.printed) setTimeout(() => this.flush(), 30); // collects lines, so that many are shown at once
      this.printed += content;
      return;
    }
    this.flush();
    if (kind === "error") this.add(el("pre", { class: "cell-error" }, content));
    else if (kind === "svg") this.add(...picture("svg+xml", base64(content), title));
    else if (kind === "png") this.add(...picture("png", content, title));
    else if (kind === "page") this.add(explorer(content, title));
    else if (kind === "html") this.add(table(content));
  }

  flush() {
    const last = this.element.lastElementChild;
    if (this.printed && last?.className === "cell-text") last.append(this.printed);
    else if (this.printed) this.add(el("pre", { class: "cell-text" }, this.printed));
    this.printed = "";
    this.tidy();
  }

  add(...elements) {
    this.element.append(...elements);
    this.tidy();
  }

  /** Make boxes that scroll reachable by keyboard. */
  tidy() {
    for (const box of this.element.querySelectorAll("pre, .cell-html, .cell-picture")) {
      if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
}

const base64 = (text) => btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));

/** A picture, and below it a list that opens: the same in words, if the title has more than one line. */
function picture(type, data, title) {
  const [alt, ...lines] = title.split("\n");
  const image = el("div", { class: "cell-picture" }, el("img", { alt, src: `data:image/${type};base64,${data}` }));
  const items = lines.map((line) => el("li", {}, line.replace(/^\d+\. /, "")));
  const words = el("details", { class: "cell-words" }, el("summary", {}, "The picture in words"), el("ol", {}, ...items));
  return lines.length ? [image, words] : [image];
}

function table(html) {
  return el("div", { class: "cell-html" }, ...new DOMParser().parseFromString(html, "text/html").body.childNodes);
}

/** The explorer in a frame that may only run its own script, with a link that opens it in a new tab. */
function explorer(html, title) {
  const box = document.querySelector("#cell-explorer").content.firstElementChild.cloneNode(true);
  box.querySelector("a").href = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  Object.assign(box.querySelector("iframe"), { srcdoc: html, title });
  return box;
}

// If Escape was pressed in a frame, move the focus to the element after the frame.
window.addEventListener("message", ({ data, source }) => {
  const frame = data === "leave" && Array.from(document.querySelectorAll("iframe")).find((one) => one.contentWindow === source);
  if (frame) (frame.nextElementSibling ?? frame.previousElementSibling).focus();
});
