/* Brings explorers to life: draws their rows with Vega, keeps state in the address, speaks changes.
   Offline and without outside requests; Vega lies beside this file and loads when it is needed. */
(() => {
  "use strict";
  const here = new URL(".", document.currentScript.src);
  let vegaLoading = null;

  function loadVega() {
    vegaLoading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("vega/vega.min.js", here);
      script.onload = () => resolve(window.vega);
      script.onerror = () => reject(new Error("vega.min.js could not be read"));
      document.head.append(script);
    });
    return vegaLoading;
  }

  /* The mathematical model of Section 2; the same formulas as mirage_lib/theory.py. */
  const MODELS = {
    theory({ alpha, c, length, choices, sizes }) {
      const all = sizes === "paper" ? [350e6, 1.3e9, 6.7e9, 200e9]
        : Array.from({ length: Number(sizes) }, (_, k) => 10 ** (8 + (4 * k) / (Number(sizes) - 1)));
      const L = Number(length), k = Number(choices);
      return all.flatMap((n) => {
        const loss = (n / 10 ** Number(c)) ** Number(alpha), p = Math.exp(-loss);
        const panels = { loss: loss, probability: p, accuracy: p ** L, distance: L * (1 - p),
          grade: p > 1 / k ? 1 : 1 / k, brier: (1 - p) ** 2 };
        return Object.entries(panels).map(([metric, estimate]) =>
          ({ metric, group: "model", n_params: n, estimate, low: estimate, high: estimate, n: 0 }));
      });
    },
  };

  const words = (n) => n >= 1e12 ? +(n / 1e12).toPrecision(3) + "T" : n >= 1e9 ? +(n / 1e9).toPrecision(3) + "B" : n >= 1e6 ? +(n / 1e6).toPrecision(3) + "M"
    : n >= 1e3 ? +(n / 1e3).toPrecision(3) + "k" : String(n);
  const number = (x) => (x !== 0 && Math.abs(x) < 1e-3 ? Number(x).toExponential(1) : String(+Number(x).toPrecision(3)))
    .replace(/-/g, "\u2212");

  const value = (row) => row.seen ? number(row.y) : `none seen, at most ${number(row.y)},`;

  function fromColumns(columns) {
    const names = Object.keys(columns);
    return (columns[names[0]] ?? []).map((_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]])));
  }

  /* One labelled native control; calls back on every change. */
  function makeControl(control, prefix, changed) {
    const label = document.createElement("label");
    const text = document.createElement("span");
    text.textContent = control.label;
    const choice = control.options.length > 0, box = typeof control.value === "boolean";
    const input = document.createElement(choice ? "select" : "input");
    input.name = control.name;
    input.id = `${prefix}-${control.name}`;
    label.htmlFor = input.id;
    if (choice) {
      for (const option of control.options) input.add(new Option(option.label, option.value));
    } else if (box) {
      input.type = "checkbox";
    } else {
      Object.assign(input, { type: "range", min: control.least, max: control.most, step: control.step });
    }
    const shown = document.createElement("output");
    shown.htmlFor = input.id;
    label.append(text, input, ...(choice || box ? [] : [shown]));
    input.addEventListener("input", () => changed());
    return {
      ...control, label, input,
      get current() { return box ? input.checked : input.value; },
      set current(value) {
        if (box) input.checked = value === true || value === "true";
        else if (!choice || control.options.some((o) => String(o.value) === String(value))) input.value = value;
        this.tell();
      },
      tell() { if (!choice && !box) shown.textContent = number(input.value); },
      get option() { return control.options.find((o) => String(o.value) === input.value) ?? {}; },
    };
  }

  async function bring(figure) {
    const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const vega = await loadVega();
    const stage = figure.querySelector(".mirage-stage"), status = figure.querySelector(".mirage-status");
    const panel = figure.querySelector(".mirage-controls");
    const rows = fromColumns(data.rows);
    const controls = data.controls.map((control) => makeControl(control, figure.id, () => update(true)));
    panel.append(...controls.map((control) => control.label));
    panel.hidden = false;
    const still = stage.firstElementChild, canvas = document.createElement("div");
    canvas.className = "mirage-canvas";
    let view = null, axis = null;

    function read() {
      const [id, query] = decodeURIComponent(location.hash.slice(1)).split("?");
      const asked = new URLSearchParams(id === figure.id ? query : "");
      for (const control of controls) control.current = asked.get(control.name) ?? control.value;
      return id === figure.id && query !== undefined;
    }

    function write() {
      const changed = controls.filter((c) => String(c.current) !== String(c.value));
      const query = new URLSearchParams(changed.map((c) => [c.name, String(c.current)]));
      history.replaceState(null, "", `#${figure.id}?${query}`);
    }

    function select() {
      const state = Object.fromEntries(controls.map((c) => [c.name, c.current]));
      const metric = controls.find((c) => c.name === "metric")?.option ?? data.metric;
      const log = state.axis === "log", sign = log ? metric.log_sign : metric.sign;
      const source = data.model ? MODELS[data.model](state) : rows;
      const kept = source.filter((row) =>
        controls.every((c) => !c.field || c.current === "all" || String(row[c.field]) === String(c.current)));
      const few = state.models === "four" ? spread([...new Set(kept.map((r) => r.n_params))].sort((a, b) => a - b), 4) : null;
      const shown = kept.filter((row) => !few || few.includes(row.n_params)).map((row) => {
        const ends = [sign * row.low, sign * row.high].sort((a, b) => a - b);
        const y = sign * row.estimate, bound = log && y <= 0;
        /* On a log axis nothing-seen has no place: its upper bound is drawn, hollow. */
        return { ...row, group: row[data.group.field] ?? row.group, y: bound ? ends[1] : y, seen: bound ? 0 : 1,
          band_low: log ? Math.max(ends[0], 1e-6) : ends[0], band_high: ends[1] };
      });
      return { state, metric, log, shown };
    }

    const spread = (values, count) => values.length <= count ? values
      : Array.from({ length: count }, (_, k) => values[Math.round(k * (values.length - 1) / (count - 1))]);

    function domain(metric, log, shown) {
      if (!log) return metric.domain ?? range(shown.map((r) => r.y));
      const positive = shown.flatMap((r) => [r.y, r.band_high]).filter((y) => y > 0);
      return [Math.min(...positive) / 1.5, Math.max(...positive) * 1.2];
    }
    const range = (ys) => { const low = Math.min(0, ...ys), high = Math.max(0, ...ys); return [low, high === low ? low + 1 : high]; };

    async function update(byHand) {
      const { state, metric, log, shown } = select();
      const [low, high] = domain(metric, log, shown);
      if (view === null || axis !== (log ? "log" : "linear")) {
        axis = log ? "log" : "linear";
        view?.finalize();
        if (still.isConnected) still.replaceWith(canvas);
        view = new vega.View(vega.parse(data.specs[axis]), { renderer: "svg", container: canvas, hover: true });
      }
      const title = log ? (metric.log_sign < 0 ? "minus " : "") + metric.label.toLowerCase() : metric.title;
      const said = describe(title, metric, log, shown);
      view.data("rows", shown).signal("title", title).signal("y_low", low).signal("y_high", high)
        .signal("bands", state.intervals === false ? 0 : 0.18).description(said);
      /* Without resize the plot keeps the margins of the labels before. */
      await view.resize().runAsync();
      for (const control of controls) control.tell();
      status.textContent = said;
      figure.dataset.ready = "true";
      if (byHand) write();
    }

    function describe(title, metric, log, shown) {
      if (shown.length === 0) return "No models fit this choice.";
      const groups = [...new Set(shown.map((r) => r.group))];
      const parts = groups.map((g) => {
        const of = shown.filter((r) => r.group === g).sort((a, b) => a.n_params - b.n_params);
        const [first, last] = [of[0], of.at(-1)];
        const name = groups.length > 1 ? `${data.group.title.toLowerCase()} ${g}: ` : "";
        return `${name}${value(first)} at ${words(first.n_params)} to ${value(last)} at ${words(last.n_params)}`;
      });
      const n = shown[0].n ? `, ${shown[0].n} outputs a model` : "";
      return `${title[0].toUpperCase()}${title.slice(1)}; ${parts.join("; ")}${n}.`;
    }

    addEventListener("hashchange", () => { if (read()) update(false); });
    /* Vega itself follows the window's size only, not that of the page around the figure. */
    new ResizeObserver(() => view?.signal("width", canvas.clientWidth).runAsync()).observe(canvas);
    if (read()) figure.scrollIntoView();
    await update(false);
  }

  function start() {
    const figures = document.querySelectorAll(".mirage-explorer");
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        watch.unobserve(target);
        bring(target).catch((error) => {
          target.querySelector(".mirage-status").textContent =
            `The figure stays as it is: ${error.message}. Reload the page to try again.`;
        });
      }
    }, { rootMargin: "400px" });
    const wanted = decodeURIComponent(location.hash.slice(1)).split("?")[0];
    figures.forEach((figure) => {
      watch.observe(figure);
      if (figure.id === wanted) figure.scrollIntoView();
    });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
