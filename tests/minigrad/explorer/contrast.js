// Every visible text whose contrast with what is behind it is below 4.5 to 1 (WCAG 2.2, 1.4.3), with its ratio.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const pixel = (colour) => {
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((channel) => channel / 255);
};
const luminance = (colour) => {
  const linear = pixel(colour).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const ground = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  const clear = colour === "rgba(0, 0, 0, 0)" || colour === "transparent";
  return clear && element.parentElement ? ground(element.parentElement) : colour;
};
const ratio = (element) => {
  const [dark, light] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
return [...document.querySelectorAll("button:enabled, p, td, dt, dd, h1, h2, h3, .muted, .word, label")]
  .filter((element) => element.textContent.trim() && element.checkVisibility())
  .map((element) => [ratio(element), element.outerHTML.slice(0, 80)])
  .filter(([found]) => found < 4.5);
