// The page of a comparison: two explorers in frames. A step in one of them moves the other to the partner.

const { names, partners, first, direction } = JSON.parse(document.getElementById("data").textContent);
const frames = [...document.querySelectorAll("iframe")];
const partner = [new Map(partners), new Map(partners.map(([a, b]) => [b, a]))];
const shown = [null, null]; // the step that each explorer shows, as text

function send(side, step) {
  shown[side] = `${step.node} ${step.direction}`;
  frames[side].contentWindow.postMessage(step, "*");
}

function note(text) {
  document.getElementById("note").textContent = text;
}

function moved(side, step) {
  const text = `${step.node} ${step.direction}`;
  if (shown[side] === text) return; // the answer to our own message
  shown[side] = text;
  const other = partner[side].get(step.node);
  if (other !== undefined) send(1 - side, { node: other, direction: step.direction });
  note(other === undefined ? `Only ${names[side]} has this. ${names[1 - side]} stays where it is.` : "");
}

function goToFirst() {
  const last = partners.reduce((a, b) => (b[0] > a[0] ? b : a), [0, 0]);
  first.forEach((node, side) => send(side, { node: node ?? near(side) ?? last[side], direction }));
  const missing = first.findIndex((node, side) => node === null && first[1 - side] !== null);
  note(missing < 0 ? "" : `Only ${names[1 - missing]} has this.`);
}

/** Where a graph lacks a node: the partner of the last node before it in the other graph. */
function near(side) {
  const missing = first[1 - side];
  if (missing === null) return undefined;
  const before = [...partner[1 - side].keys()].filter((node) => node < missing);
  return partner[1 - side].get(Math.max(...before));
}

window.addEventListener("message", ({ source, data }) => {
  const side = frames.findIndex((frame) => frame.contentWindow === source);
  if (side >= 0 && Number.isInteger(data?.node)) moved(side, data);
});
document.getElementById("first").addEventListener("click", goToFirst);
window.addEventListener("load", () => {
  goToFirst();
  document.documentElement.dataset.ready = "yes";
});
