// Buttons that open the side bars of a narrow page, keyboard scrolling for content that is too wide, the wheel's address in
// commands, and a message in place of an explorer that cannot be loaded.

const buttons = [...document.querySelectorAll("button[data-side-bar]")];

function show(name, open) {
  document.getElementById(name).checked = open; // the theme's styles depend on this hidden check box
  for (const button of buttons) {
    if (button.dataset.sideBar === name) button.setAttribute("aria-expanded", open);
  }
}

for (const element of document.querySelectorAll("[data-side-bar]")) {
  const name = element.dataset.sideBar;
  show(name, false);
  element.addEventListener("click", () => show(name, !document.getElementById(name).checked));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const box of document.querySelectorAll(".sidebar-toggle:checked")) {
    show(box.id, false);
    buttons.find((button) => button.dataset.sideBar === box.id && button.checkVisibility())?.focus();
  }
});

function letWideThingsBeFocused() {
  for (const box of document.querySelectorAll("article pre, article .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

letWideThingsBeFocused();
window.addEventListener("resize", letWideThingsBeFocused);

for (const address of document.querySelectorAll("[data-address]")) {
  address.textContent = new URL(address.dataset.address, document.baseURI).href;
}

async function sayWithoutNetwork(box) {
  if (!box.open || !location.protocol.startsWith("http")) return;
  const frame = box.querySelector("iframe");
  const loads = await fetch(frame.src).then((answer) => answer.ok, () => false);
  box.querySelector("[role=alert]")?.remove();
  frame.hidden = !loads;
  if (loads) return;
  const message = document.createElement("p");
  message.setAttribute("role", "alert");
  message.textContent = "There is no network, or the site does not answer. The explorer needs it. Try again later.";
  frame.before(message);
}

for (const box of document.querySelectorAll(".explorer details")) box.addEventListener("toggle", () => sayWithoutNetwork(box));

// Keep what was visited for reading without a connection. Browsers allow this only with HTTPS and on localhost.
const top_ = document.documentElement.dataset.content_root;
navigator.serviceWorker?.register(new URL("sw.js", new URL(top_, location.href))).catch(() => {});
