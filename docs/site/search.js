// How the search ranks its results, and what it says without network. Sphinx copies this file into searchtools.js.

const BEHIND = new Set(["changes", "contributing", "design", "promises", "results", "benchmarks"]);

// Sphinx's default points, and `score`, which changes the points of one result.
var Scorer = { // `var`, because searchtools.js declares it again
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  score(result) {
    const [page, , anchor, , points, , kind] = result;
    if (kind === "index" && anchor) result[1] = heading(page, anchor.slice(1)) ?? result[1];
    return kind === "text" && BEHIND.has(page) ? points - 3 : points;
  },
};

/** Return the heading at an anchor of a page. */
function heading(page, anchor) {
  const { alltitles, docnames } = Search._index;
  const here = ([file, id]) => docnames[file] === page && id === anchor;
  return Object.keys(alltitles).find((title) => alltitles[title].some(here));
}

const WITHOUT_NETWORK = "There is no network, or the site does not answer.";

/** Let screen readers announce a message. The place for it is in templates/search.html, because they announce only changes in what
 * is already there. */
function announce(text) {
  document.getElementById("search-said").textContent = text;
}

/** Show a message above the results, once. */
function sayInTheSearch(text) {
  const box = document.getElementById("search-results");
  if (box.querySelector(".search-problem")) return;
  const message = document.createElement("p");
  message.className = "search-problem";
  message.textContent = text;
  box.prepend(message);
  announce(text);
}

// When the search has ended, Sphinx writes the number of results into a paragraph that it adds itself.
const untilTheEnd = new MutationObserver(() => {
  const summary = document.querySelector(".search-summary")?.textContent;
  if (!summary) return;
  untilTheEnd.disconnect();
  announce(summary);
});
untilTheEnd.observe(document.getElementById("search-results"), { childList: true, subtree: true });

// The index did not load, so no search is possible. `_ready` waits until Sphinx has added its heading.
function searchFailed() {
  _ready(() => {
    Search.stopPulse();
    document.querySelector("#search-results h2")?.remove();
    sayInTheSearch(`${WITHOUT_NETWORK} The search does not work without it. Try again later.`);
  });
}

// The index did load, but the excerpts from the pages do not.
window.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  sayInTheSearch(`${WITHOUT_NETWORK} The results are complete, but their excerpts cannot be shown.`);
});
