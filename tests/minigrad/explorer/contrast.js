// Every visible text whose contrast with what is behind it is below 4.5 to 1 (WCAG 2.2, 1.4.3), and every line, bar and field
// below 3 to 1 (1.4.11), with the ratio.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const pixel = (...layers) => {
  for (const [colour, alpha] of layers) {
    canvas.globalAlpha = alpha;
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
  }
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((channel) => channel / 255);
};
const luminance = (layers) => {
  const linear = pixel(...layers).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const ground = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  const clear = colour === "rgba(0, 0, 0, 0)" || colour === "transparent";
  return clear && element.parentElement ? ground(element.parentElement) : colour;
};
const ratio = (one, other) => {
  const [dark, light] = [one, other].map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const text = (element) => ratio([[getComputedStyle(element).color, 1]], [[ground(element), 1]]);

// What is drawn in the picture: on the page, or on the shape of its box, frame or band. All are as opaque as their group.
const page = [getComputedStyle(document.body).backgroundColor, 1];
const alpha = (element) => (element ? getComputedStyle(element).opacity * alpha(element.parentElement) : 1);
const drawn = (element, property) => {
  const shape = element.closest(".badge") ? null : element.closest(".box, .frame, .band")?.querySelector("rect:not(.behind)");
  const [fill, colour] = [shape && getComputedStyle(shape).fill, getComputedStyle(element)[property]];
  const behind = shape ? [page, [fill, alpha(shape)]] : [page];
  return ratio([...behind, [colour, alpha(element)]], behind);
};
const panel = [getComputedStyle(document.documentElement).getPropertyValue("--panel"), 1];
const line = (element, property) =>
  Math.min(...[page, panel].map((behind) => ratio([behind, [getComputedStyle(element)[property], alpha(element)]], [behind])));

const least = (number, selector, measure) =>
  [...document.querySelectorAll(selector)]
    .filter((element) => element.checkVisibility())
    .map((element) => [measure(element), element.outerHTML.slice(0, 80)])
    .filter(([found]) => found < number);
const words = "button:not(:disabled, [aria-disabled=true]), p, th, td, dt, dd, h1, h2, h3, .muted, .word, label";
return [
  ...least(4.5, words, (element) => (element.textContent.trim() ? text(element) : 21)),
  ...least(4.5, "#picture text", (element) => (element.textContent.trim() ? drawn(element, "fill") : 21)),
  ...least(3, ".edge, .frame > rect, path.band, path.run", (element) => line(element, "stroke")), // 1.4.11
  ...least(3, ".bars rect", (element) => line(element, "fill")),
  ...least(3, "input:not([type=range], [type=checkbox]), select", (element) => line(element, "borderTopColor")),
];
