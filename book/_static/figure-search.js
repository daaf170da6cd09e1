/* On the search page: figures whose caption or description has all the words, each linked to its place.
   The words come from figure-words.js, a script, since a page opened as a file cannot fetch data. */
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const MOST = 12;
  const asked = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  const results = document.getElementById("search-results");
  if (!asked || !results) return;
  const words = asked.toLowerCase().split(/\s+/).map((word) => word.replace(/^["'(]+|["'),.;:!?]+$/g, "")).filter(Boolean);
  const text = (one) => `${one.caption} ${one.alt} ${one.title}`.toLowerCase();
  const hits = (window.mirageFigures ?? []).filter((one) => words.every((word) => text(one).includes(word)));
  if (hits.length === 0) return;

  const box = document.createElement("section");
  box.setAttribute("aria-labelledby", "figure-hits");
  const head = document.createElement("h2");
  head.id = "figure-hits";
  head.textContent = hits.length === 1 ? "One figure" : `${hits.length} figures`;
  const list = document.createElement("ul");
  for (const one of hits.slice(0, MOST)) {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = `${one.page}#${one.id}`;
    link.textContent = one.caption || one.alt;
    item.append(link, ` (${one.title}${one.moves ? ", can be changed" : ""})`);
    list.append(item);
  }
  box.append(head, list);
  if (hits.length > MOST) {
    const more = document.createElement("p");
    more.textContent = `The first ${MOST} are shown; another word would narrow it.`;
    box.append(more);
  }
  results.before(box);
});
