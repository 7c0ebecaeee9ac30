// Makes page elements. All text is inserted as text, never as markup, so a tensor's name cannot become an element.

/** Make an HTML element. Attributes that are functions become listeners ("onclick"). Those that are null or false are left out. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element in the same way. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Text from the user's program, isolated so that right-to-left letters do not reorder the text around them. */
export function foreign(text) {
  return el("bdi", {}, text);
}

/** Write a text that fits a width, in pixels, into an SVG element: in a font of `most` down to `least` pixels, then with … at the end. */
export function fit(element, text, width, most, least, weight = 400) {
  pen ??= document.createElement("canvas").getContext("2d");
  family ||= getComputedStyle(document.body).fontFamily;
  const measure = (some, size) => {
    pen.font = `${weight} ${size}px ${family}`;
    return pen.measureText(some).width;
  };
  const letters = Array.from(text);
  const size = Math.max(least, Math.min(most, (most * width) / measure(text, most)));
  const first = (count) => (count < letters.length ? `${letters.slice(0, count).join("")}…` : text);
  let count = Math.min(letters.length, Math.ceil(width / 2)); // no letter is narrower than two pixels
  while (count > 1 && measure(first(count), size) > width + 0.5) count--;
  element.textContent = first(count);
  element.style.fontSize = `${size}px`;
  return element;
}

let pen;
let family;

/** Shorten a text to about `longest` characters, with … at the end if any were left out. */
export function shorten(text, longest) {
  const letters = Array.from(text);
  return letters.length <= longest ? text : `${letters.slice(0, Math.max(1, Math.floor(longest) - 1)).join("")}…`;
}
