/* The switch on the first page: shows the panel that its buttons ask for, moves the marks there, says what it shows. */
(() => {
  "use strict";
  const MOVE = 500;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  const places = (panel) => [...panel.querySelectorAll("circle")].map((mark) => [Number(mark.getAttribute("cx")), Number(mark.getAttribute("cy"))]);

  function put(panel, points) {
    panel.querySelectorAll("circle").forEach((mark, k) => { mark.setAttribute("cx", points[k][0]); mark.setAttribute("cy", points[k][1]); });
    panel.querySelector("polyline").setAttribute("points", points.map((point) => point.join()).join(" "));
  }

  /* Marks start where those of the last panel stood, if there are as many: they are the same models. */
  function move(panel, from, to) {
    if (still.matches || from.length !== to.length) return;
    const start = performance.now();
    const step = (now) => {
      const part = Math.min(1, Math.max(0, now - start) / MOVE), eased = part * part * (3 - 2 * part);
      put(panel, to.map((end, k) => end.map((value, axis) => from[k][axis] + eased * (value - from[k][axis]))));
      if (part < 1 && !panel.hasAttribute("hidden")) requestAnimationFrame(step);
      else put(panel, to);
    };
    put(panel, from);
    requestAnimationFrame(step);
  }

  function bring(figure) {
    const panels = [...figure.querySelectorAll("svg")], ends = new Map(panels.map((panel) => [panel, places(panel)]));
    const status = figure.querySelector(".mirage-status");
    let shown = panels[0];
    function update(byHand) {
      const wanted = [...figure.querySelectorAll("input:checked")].map((input) => input.value);
      const next = panels.find((panel) => wanted.every((value) => Object.values(panel.dataset).includes(value)));
      for (const panel of panels) panel.toggleAttribute("hidden", panel !== next);
      if (byHand) move(next, ends.get(shown), ends.get(next));
      shown = next;
      status.textContent = next.getAttribute("aria-label");
    }
    figure.addEventListener("input", () => update(true));
    figure.dataset.ready = "true";
    update(false);
  }

  const start = () => document.querySelectorAll(".mirage-switch").forEach(bring);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
