// Buttons that open the side bars of a narrow page, and keyboard scrolling for content that is too wide.

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
