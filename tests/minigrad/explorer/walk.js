// Walks from the first step to the last with the right arrow key, and returns what is shown at each.
const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const read = (holder) => ({
  cells: [...holder.querySelectorAll("tbody td")].map((td) => [td.title, td.textContent]),
  facts: Object.fromEntries([...holder.querySelectorAll("dl.facts div")].map((row) => [...row.children].map((part) => part.textContent))),
});
const part = (role, from) => {
  const holder = from.querySelector(`[data-role=${role}]`);
  return holder && read(holder);
};
const panel = document.getElementById("panel");
const slider = document.getElementById("slider");
const seen = [];
press("Home");
for (let step = 0; step <= Number(slider.max); step++) {
  if (Number(slider.value) !== step) throw new Error(`at ${slider.value} in place of ${step}`);
  seen.push({
    gate: panel.querySelector("h2").textContent,
    upstream: part("upstream", panel),
    deliveries: [...panel.querySelectorAll(".delivery")].map((delivery) => ({
      parent: delivery.dataset.parent,
      before: part("before", delivery),
      part: part("part", delivery),
      after: part("after", delivery),
      report: delivery.querySelector(".report")?.textContent,
    })),
  });
  press("ArrowRight");
}
return seen;
