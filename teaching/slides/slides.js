/* Shows one slide at a time. Without scripts all slides stand one below the other, and print alike. */
(() => {
  "use strict";
  const slides = [...document.querySelectorAll(".slide")];
  const bar = document.querySelector("nav"), spoken = document.querySelector(".spoken");
  const page = document.documentElement;
  let at = 0;

  function button(label, act, pressed) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
    made.addEventListener("click", act);
    return made;
  }

  function show(number, byHand) {
    at = Math.min(Math.max(number, 0), slides.length - 1);
    slides.forEach((slide, k) => slide.classList.toggle("shown", k === at));
    const said = `${at + 1} of ${slides.length}`;
    count.textContent = said;
    back.disabled = at === 0;
    on.disabled = at === slides.length - 1;
    if (!byHand) return;
    history.replaceState(null, "", `#s${at + 1}`);
    slides[at].querySelector("h1, h2").focus({ preventScroll: true });
    spoken.textContent = `Slide ${said}`;
    scrollTo(0, 0);
  }

  function toggleNotes() {
    const open = page.classList.toggle("with-notes");
    notes.setAttribute("aria-pressed", String(open));
    spoken.textContent = open ? "Speaker notes shown" : "Speaker notes hidden";
  }

  /* As the system wants it, until the reader chooses. */
  const system = matchMedia("(prefers-color-scheme: dark)");
  function paint(theme) {
    page.dataset.theme = theme;
    dark.setAttribute("aria-pressed", String(theme === "dark"));
  }
  const follow = () => paint(system.matches ? "dark" : "light");
  function toggleDark() {
    system.removeEventListener("change", follow);
    paint(page.dataset.theme === "dark" ? "light" : "dark");
  }

  const back = button("Back", () => show(at - 1, true)), on = button("Next", () => show(at + 1, true));
  const count = document.createElement("span");
  const notes = button("Notes (n)", toggleNotes, false), dark = button("Dark (d)", toggleDark, false);
  bar.append(back, count, on, notes, dark);
  bar.hidden = false;
  follow();
  system.addEventListener("change", follow);
  page.classList.add("one-by-one");

  const moves = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const inside = event.target.closest?.(".wide, a, button");
    /* A wide drawing scrolls with the arrows, and a button is pressed with the space bar. */
    if (inside && (event.key === " " || (inside.matches(".wide") && inside.scrollWidth > inside.clientWidth
      && event.key.startsWith("Arrow")))) return;
    if (event.key in moves) show(at + (event.key === " " && event.shiftKey ? -1 : moves[event.key]), true);
    else if (event.key === "Home") show(0, true);
    else if (event.key === "End") show(slides.length - 1, true);
    else if (event.key === "n") toggleNotes();
    else if (event.key === "d") toggleDark();
    else return;
    event.preventDefault();
  });
  const fromAddress = () => Number(/^#s(\d+)$/.exec(location.hash)?.[1] ?? 1) - 1;
  addEventListener("hashchange", () => show(fromAddress(), false));
  show(fromAddress(), false);
})();
