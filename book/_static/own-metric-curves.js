/* Draws the reader's curve beside two of the library's, in one panel each, with the table of all numbers. */
mirageParts.draw = (() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 300, HEIGHT = 210, LEFT = 46, RIGHT = 8, TOP = 26, BOTTOM = 40;
  const PANELS = [
    { title: "Your metric", sign: 1, colour: "accent", mark: "M-4,-3.5H4L0,4Z" },
    { title: "Accuracy (exact match)", sign: 1, colour: "orange", mark: "M-3.5,0a3.5,3.5 0 1 0 7,0a3.5,3.5 0 1 0 -7,0" },
    { title: "\u2212 Token edit distance", sign: -1, colour: "blue", mark: "M-3.3,-3.3H3.3V3.3H-3.3Z" },
  ];
  const words = (n) => n >= 1e6 ? `${+(n / 1e6).toPrecision(3)}M` : n >= 1e3 ? `${+(n / 1e3).toPrecision(3)}k` : String(n);
  const short = (x) => x !== 0 && Math.abs(x) < 1e-3 ? x.toExponential(1)
    : Math.abs(x) >= 1e6 ? x.toPrecision(3) : String(+x.toPrecision(3));
  const number = (x) => short(x).replace(/-/g, "\u2212");

  function element(name, settings, ...inner) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(settings)) made.setAttribute(key, value);
    made.append(...inner);
    return made;
  }

  function ticks(low, high) {
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((k) => k * power >= rough * 0.999);
    const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
  }

  function panel({ title, sign, colour, mark }, curve, sizes) {
    const points = curve.map((ends) => ends.map((value) => sign * value));
    const all = points.flat(), inside = sign > 0 && all.every((y) => y >= 0 && y <= 1);
    const low = inside ? 0 : Math.min(0, ...all), high = inside ? 1 : Math.max(0, ...all);
    const first = Math.log(sizes[0] / 1.25), last = Math.log(sizes.at(-1) * 1.25);
    const x = (size) => LEFT + (Math.log(size) - first) / (last - first) * (WIDTH - LEFT - RIGHT);
    const y = (value) => TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM);
    const ink = `var(--mirage-${colour})`, base = HEIGHT - BOTTOM;
    const text = (content, place) => element("text", { ...place, fill: "var(--mirage-ink)", "font-size": 12 }, content);
    const drawing = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
      "aria-label": `${title}: ${said(curve, sign, sizes)}. All numbers are in the table below.` });
    drawing.append(text(title, { x: 4, y: 14, "font-weight": 600 }));
    for (const tick of ticks(low, high)) {
      drawing.append(element("path", { d: `M${LEFT},${y(tick)}H${WIDTH - RIGHT}`, stroke: "var(--mirage-grid)" }),
        text(number(tick), { x: LEFT - 5, y: y(tick) + 4, "text-anchor": "end" }));
    }
    for (let decade = 1; decade < 12; decade += 1) {
      const at = x(10 ** decade);
      if (at < LEFT || at > WIDTH - RIGHT) continue;
      drawing.append(element("path", { d: `M${at},${base}v4`, stroke: "var(--mirage-faint)" }),
        text(words(10 ** decade), { x: at, y: base + 17, "text-anchor": "middle" }));
    }
    drawing.append(text("Parameters", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }));
    const along = (part) => points.map((ends, k) => `${x(sizes[k])},${y(ends[part])}`);
    drawing.append(
      element("path", { d: `M${[...along(1), ...along(2).reverse()].join("L")}Z`, fill: ink, "fill-opacity": 0.2 }),
      element("path", { d: `M${along(0).join("L")}`, fill: "none", stroke: ink, "stroke-width": 1.6 }),
      ...points.map(([middle], k) => element("path", { d: mark, fill: ink, transform: `translate(${x(sizes[k])},${y(middle)})` })));
    return drawing;
  }

  function said(curve, sign, sizes) {
    const at = (k) => `${number(sign * curve.at(k)[0])} at ${words(sizes.at(k))}`;
    return `from ${at(0)} to ${at(-1)} parameters`;
  }

  function table(curves, sizes, seeds, items, label) {
    const made = document.createElement("table");
    made.className = "mirage-table";
    made.createCaption().textContent = `${label}: means, with intervals of 95 % in brackets. ${items} problems a model.`;
    const head = made.createTHead().insertRow(), body = made.createTBody();
    for (const name of ["parameters", "seeds", "your metric", "exact match", "edit distance"]) {
      head.append(Object.assign(document.createElement("th"), { scope: "col", textContent: name }));
    }
    sizes.forEach((size, k) => {
      const row = body.insertRow();
      const ends = curves.map((curve) => {
        const [middle, low, high] = curve[k].map(number);
        return `${middle} (${low} to ${high})`;
      });
      row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: size.toLocaleString("en") }));
      for (const value of [seeds[k], ...ends]) row.insertCell().textContent = value;
    });
    const scroll = Object.assign(document.createElement("div"), { className: "mirage-scroll", tabIndex: 0 });
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "The numbers of the three curves");
    scroll.append(made);
    return scroll;
  }

  /* Keeps the chosen cell from run to run. `say` gets what is shown, in words. */
  return (place, { cells, sizes, seeds, items }, own, say) => {
    const before = Number(place.querySelector("select")?.value ?? 0);
    const choice = Object.assign(document.createElement("select"), { id: "own-metric-cell" });
    cells.forEach(({ label }, k) => choice.add(new Option(label, k)));
    choice.value = before;
    const label = Object.assign(document.createElement("label"), { htmlFor: choice.id });
    label.append(Object.assign(document.createElement("span"), { textContent: "Answers shown" }), choice);
    const controls = Object.assign(document.createElement("div"), { className: "mirage-controls" });
    controls.append(label);
    const panels = Object.assign(document.createElement("div"), { className: "mirage-own-panels" });
    const numbers = document.createElement("details");
    numbers.open = place.querySelector("details")?.open ?? false;
    const summary = Object.assign(document.createElement("summary"), { textContent: "The numbers" });
    function update() {
      const { label: name, beside } = cells[choice.value];
      const curves = [own[choice.value], beside.exact_match, beside.token_edit_distance];
      panels.replaceChildren(...PANELS.map((one, k) => panel(one, curves[k], sizes)));
      numbers.replaceChildren(summary, table(curves, sizes, seeds, items, name));
      const parts = PANELS.map(({ title, sign }, k) => `${title.toLowerCase()} ${said(curves[k], sign, sizes)}`);
      say(`${name}: ${parts.join("; ").replace("\u2212 t", "minus t")}.`);
    }
    choice.addEventListener("input", update);
    place.replaceChildren(controls, panels, numbers);
    update();
  };
})();
