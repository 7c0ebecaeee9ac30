// What WCAG 2.2 asks of a page, as far as a script can test it. Each function returns what is wrong.

const name = (element) => element.outerHTML.slice(0, 120);
const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;

/** The colour of a text in a canvas, which reads every notation. */
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function luminance(colour) {
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const channels = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((channel) => channel / 255);
  const [red, green, blue] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function ground(element) {
  const colour = getComputedStyle(element).backgroundColor;
  const clear = /^rgba.*, 0\)$/.test(colour); // of any colour
  return clear && element.parentElement ? ground(element.parentElement) : colour;
}

function contrast(one, other) {
  const [dark, light] = [one, other].map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** 2.4.11: whether a part of an element can be seen in the window. */
function isSeen(area) {
  const box = area.getBoundingClientRect();
  const places = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => [box.left + x * box.width, box.top + y * box.height]));
  return places.some(([x, y]) => {
    const top = document.elementFromPoint(x, y);
    return top && (area.contains(top) || top.contains(area));
  });
}

/** What has the focus, if it is hidden. */
function hiddenFocus() {
  const element = document.activeElement;
  return isSeen(element.closest(".lesson-editor") ?? element) ? [] : [name(element)];
}

/** 1.4.3: numbers on the cells of heat maps, whose colours are translucent on white. */
function cells() {
  const wrong = [];
  for (const number of document.querySelectorAll(".map .cell")) {
    if (!shown(number) || !number.textContent) continue;
    const { fill, fillOpacity } = getComputedStyle(number.previousElementSibling);
    const found = contrast(getComputedStyle(number).fill, `color-mix(in srgb, ${fill} ${100 * fillOpacity}%, white)`);
    if (found < 4.5) wrong.push(`${found.toFixed(2)}: ${name(number)}`);
  }
  return wrong;
}

/** 1.4.11: the site's fields for text have a border with a contrast of 3 to 1. */
function fields() {
  const paler = (field) => contrast(getComputedStyle(field).borderTopColor, ground(field.parentElement)) < 3;
  return [...document.querySelectorAll(".page input:is(:not([type]), [type=search], [type=text])")].filter(shown).filter(paler).map(name);
}

/** 2.4.7, 2.4.11 and 1.4.11: a control that has the focus is not hidden behind something, and shows the focus by an outline with
 * a contrast of 3 to 1. */
function focus() {
  const controls = "a[href], button, input, select, textarea, summary, [tabindex='0'], [contenteditable=true]";
  const wrong = [];
  const still = document.createElement("style"); // so that no scrolling is in progress
  still.textContent = "* { scroll-behavior: auto !important; transition: none !important; }";
  document.head.append(still);
  for (const element of document.querySelectorAll(controls)) {
    if (!shown(element) || element.disabled || element.tabIndex < 0) continue;
    element.focus();
    if (document.activeElement !== element) continue;
    const editor = element.closest(".lesson-editor"); // has a frame around the whole editor
    const area = editor ?? element;
    if (editor) editor.scrollIntoView({ block: "nearest" }); // CodeMirror scrolls in a later frame
    if (!isSeen(area)) wrong.push(`hidden: ${name(element)}`);
    if (element.closest("svg")) continue; // the shape of a box shows the focus
    const style = editor ? getComputedStyle(editor, "::after") : getComputedStyle(element);
    const line = editor ? style.borderTopStyle : style.outlineStyle;
    const colour = editor ? style.borderTopColor : style.outlineColor;
    if (line === "none") wrong.push(`no outline: ${name(element)}`);
    else if (line !== "auto" && contrast(colour, ground(element.parentElement)) < 3) wrong.push(`pale outline: ${name(element)}`);
  }
  return wrong;
}

/** 1.4.12: with more space between lines, words and letters, no text is cut off. */
function spacing() {
  const style = document.createElement("style");
  style.textContent = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }" +
    "p { margin-bottom: 2em !important; }";
  document.head.append(style);
  const wrong = [];
  for (const element of document.querySelectorAll("body *")) {
    if (!shown(element) || !element.textContent.trim() || element.closest("svg")) continue;
    const { overflowX, overflowY, clipPath, position } = getComputedStyle(element);
    if (clipPath !== "none" || (position === "absolute" && element.clientWidth <= 1)) continue; // only for screen readers
    if (overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1) wrong.push(`cut at the right: ${name(element)}`);
    if (overflowY === "hidden" && element.scrollHeight > element.clientHeight + 1) wrong.push(`cut at the bottom: ${name(element)}`);
  }
  return wrong;
}

/**
 * 2.2.2 and 2.3.3: nothing moves by itself. The editor's cursor does not count: CodeMirror starts its blinking for one
 * second when the page sets the text, but shows a cursor only while the editor has the focus.
 */
function moving() {
  const running = document.getAnimations().filter((one) => one.playState === "running");
  return running.map((one) => one.effect.target).filter((element) => !element.matches(".cm-cursorLayer")).map(name);
}
