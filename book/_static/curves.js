/* Makes a table of curves searchable, and its head sort it. Without scripts the whole table is there. */
(() => {
  "use strict";
  /* Places of columns; see HEAD in mirage_lib/show/sparks.py. */
  const WORDS = { task: 0, metric: 2, family: 3 }, ABOVE = 5;
  const worded = (column) => Object.values(WORDS).includes(column);
  const plain = (text) => text.toLowerCase().replace(/[_\s]+/g, " ");
  const number = (text) => {
    const value = parseFloat(text.replace("\u2212", "-").replace("\u221e", "Infinity").replace(/^(yes|no), /, ""));
    return Number.isNaN(value) ? null : value;
  };

  function labelled(text, input, id) {
    const label = document.createElement("label"), words = document.createElement("span");
    words.textContent = text;
    input.id = label.htmlFor = id;
    label.append(words, input);
    return label;
  }

  function bring(box, k) {
    const table = box.querySelector("table"), body = table.tBodies[0], rows = [...body.rows];
    const texts = rows.map((row) => plain(Object.values(WORDS).map((i) => row.cells[i].textContent).join(" ")));
    const above = rows.map((row) => row.cells[ABOVE].textContent.startsWith("yes"));
    const panel = document.createElement("div"), status = document.createElement("p");
    panel.className = "mirage-controls";
    status.className = "mirage-status";
    status.setAttribute("role", "status");
    const search = Object.assign(document.createElement("input"), { type: "search", autocomplete: "off" });
    const only = Object.assign(document.createElement("input"), { type: "checkbox" });
    panel.append(labelled("Search task, family or metric", search, `mirage-search-${k}`),
      labelled("Only above their null", only, `mirage-above-${k}`));
    box.prepend(panel, status);

    function filter() {
      const words = plain(search.value).split(" ").filter(Boolean);
      let count = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word)) || only.checked && !above[i];
        if (!row.hidden) count += 1;
      });
      status.textContent = `${count} of ${rows.length} curves.`;
    }
    search.addEventListener("input", filter);
    only.addEventListener("input", filter);

    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.textContent === "Shape") return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const keys = new Map(rows.map((row) => {
          const text = row.cells[column].textContent;
          return [row, worded(column) ? plain(text) : number(text)];
        }));
        const sign = down ? -1 : 1;
        const order = [...rows].sort((a, b) => {
          const [x, y] = [keys.get(a), keys.get(b)];
          if (x === null || y === null) return (x === null) - (y === null);
          return sign * (x === y ? 0 : x < y ? -1 : 1);
        });
        body.append(...order);
      });
    });
    filter();
    box.dataset.ready = "true";
  }

  const start = () => document.querySelectorAll(".mirage-curves").forEach(bring);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
