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
    for (const name of names) {
      const { is, at } = columns[name];
      if (is) columns[name] = at.map((place) => is[place]);
    }
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
    const made = {
      ...control, label, input, wanted: "",
      get current() { return box ? input.checked : input.value; },
      set current(value) {
        this.wanted = String(value);
        if (box) input.checked = value === true || value === "true";
        else if (!choice || control.options.some((o) => String(o.value) === String(value))) input.value = value;
        this.tell();
      },
      tell() { if (!choice && !box) shown.textContent = number(input.value); },
      get option() { return control.options.find((o) => String(o.value) === input.value) ?? {}; },
      /* Offer only some of the options; keep what was wanted, else take the nearest. */
      offer(options) {
        const values = options.map((o) => String(o.value));
        if (values.join("\n") !== [...input.options].map((o) => o.value).join("\n")) {
          input.replaceChildren(...options.map((o) => new Option(o.label, o.value)));
        }
        input.value = nearest(this.wanted, values);
      },
    };
    input.addEventListener("input", () => { made.wanted = String(made.current); changed(); });
    return made;
  }

  function nearest(wanted, values) {
    if (values.includes(wanted)) return wanted;
    const alike = values.find((v) => v.toLowerCase() === wanted.toLowerCase());
    if (alike !== undefined || wanted === "" || ![wanted, ...values].every((v) => isFinite(v))) return alike ?? values[0];
    return values.reduce((best, v) => Math.abs(v - wanted) < Math.abs(best - wanted) ? v : best);
  }

  async function bring(figure) {
    const [data, vega] = await Promise.all([mirageDataOf(figure), loadVega()]);
    const stage = figure.querySelector(".mirage-stage"), status = figure.querySelector(".mirage-status");
    const panel = figure.querySelector(".mirage-controls");
    const rows = fromColumns(data.rows), facts = data.facts ? fromColumns(data.facts) : null;
    const points = new Map((facts ?? []).map((fact) => [fact.curve, []]));
    if (facts) for (const row of rows) points.get(row.curve).push(row);
    const controls = data.controls.map((control) => makeControl(control, figure.id, () => update(true)));
    panel.append(...controls.map((control) => control.label));
    panel.hidden = false;
    const still = stage.firstElementChild, canvas = document.createElement("div");
    canvas.className = "mirage-canvas";
    let view = null, axis = null;
    const parsed = {}, parse = (name) => parsed[name] ??= vega.parse(data.specs[name]);

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

    /* Every control offers what exists under the controls before it, so no choice is empty. */
    function narrow() {
      let left = facts;
      for (const control of controls.filter((c) => c.field)) {
        const there = new Set(left.map((fact) => String(fact[control.field])));
        control.offer(control.options.filter((o) => there.has(String(o.value))));
        left = left.filter((fact) => String(fact[control.field]) === control.current);
      }
      return left[0];
    }

    function select() {
      const fact = facts ? narrow() : null;
      const state = Object.fromEntries(controls.map((c) => [c.name, c.current]));
      const metric = controls.find((c) => c.name === "metric")?.option ?? data.metric;
      const log = state.axis === "log", sign = log ? metric.log_sign : metric.sign;
      const source = data.model ? MODELS[data.model](state) : rows;
      const kept = fact ? points.get(fact.curve).map((row) =>
        ({ ...fact, ...row, low: row.low ?? row.estimate, high: row.high ?? row.estimate })) : source.filter((row) =>
        controls.every((c) => !c.field || c.current === "all" || String(row[c.field]) === String(c.current)));
      const few = state.models === "four" ? spread([...new Set(kept.map((r) => r.n_params))].sort((a, b) => a - b), 4) : null;
      const shown = kept.filter((row) => !few || few.includes(row.n_params)).map((row) => {
        const ends = [sign * row.low, sign * row.high].sort((a, b) => a - b);
        const y = sign * row.estimate, bound = log && y <= 0;
        /* On a log axis nothing-seen has no place: its upper bound is drawn, hollow. */
        return { ...row, group: row[data.group.field] ?? row.group ?? data.group.values[0], y: bound ? ends[1] : y, seen: bound ? 0 : 1,
          band_low: log ? Math.max(ends[0], 1e-6) : ends[0], band_high: ends[1] };
      });
      return { state, metric, log, shown, fact };
    }

    const spread = (values, count) => values.length <= count ? values
      : Array.from({ length: count }, (_, k) => values[Math.round(k * (values.length - 1) / (count - 1))]);

    function domain(metric, log, shown, fitted) {
      if (!log && fitted) {
        const ys = shown.flatMap((r) => [r.y, r.band_low, r.band_high, metric.sign * (r.chance ?? r.estimate)]);
        const low = Math.min(...ys), high = Math.max(...ys), room = (high - low) * 0.04 || 0.01;
        return [low - room, high + room];
      }
      if (!log) return metric.domain ?? range(shown.map((r) => r.y));
      const positive = shown.flatMap((r) => [r.y, r.band_high]).filter((y) => y > 0);
      return [Math.min(...positive) / 1.5, Math.max(...positive) * 1.2];
    }
    const range = (ys) => { const low = Math.min(0, ...ys), high = Math.max(0, ...ys); return [low, high === low ? low + 1 : high]; };

    async function update(byHand) {
      const { state, metric, log, shown, fact } = select();
      const [low, high] = domain(metric, log, shown, state.range === "fitted");
      if (view === null || axis !== (log ? "log" : "linear")) {
        axis = log ? "log" : "linear";
        view?.finalize();
        if (still.isConnected) still.replaceWith(canvas);
        view = new vega.View(parse(axis), { renderer: "svg", container: canvas, hover: true });
      }
      const title = log ? (metric.log_sign < 0 ? "minus " : "") + (metric.spoken ?? metric.label.toLowerCase()) : metric.title;
      const said = describe(title, metric, log, shown) + (fact ? ` ${judged(fact)}` : "");
      view.data("rows", shown).signal("title", title).signal("y_low", low).signal("y_high", high)
        .signal("bands", state.intervals === false ? 0 : 0.18).description(said);
      if (fact) {
        const chance = (log ? metric.log_sign : metric.sign) * fact.chance;
        view.data("chance", fact.chance === null || log && chance <= 0 ? [] : [{ y: chance }])
          .data("smooth", log ? [] : [shown[0], shown.at(-1)]);
      }
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
      const n = shown[0].n ? `, ${shown[0].n} ${facts ? "items" : "outputs"} a model` : "";
      return `${title[0].toUpperCase()}${title.slice(1)}; ${parts.join("; ")}${n}.`;
    }

    /* Score, interval and null of one curve in words; every number is Python's. */
    function judged(fact) {
      const say = (x) => String(x).endsWith("inf") ? (String(x)[0] === "-" ? "minus infinity" : "infinity") : number(x);
      const infinite = String(fact.score).endsWith("inf");
      const score = `${fact.models} models. Emergence score ${say(fact.score)}`
        + (infinite ? ", because the median step is zero" : "")
        + (fact.score_low === null ? "." : ` (95 % interval ${say(fact.score_low)} to ${say(fact.score_high)}).`);
      if (fact.exceedance === null) {
        return `${score} The record does not tell the noise, so there is no null; a straight line without noise scores ${say(fact.straight)}.`;
      }
      const noise = fact.noise === "bound" ? "the same models and the most noise that so many items allow" : "the same models and noise";
      return `${score} Of smooth curves with ${noise}, one in twenty reaches ${say(fact.null_high)} or more, and ${number(100 * fact.exceedance)} % `
        + `score as high as this one: ${fact.exceedance < 0.05 ? "above its null" : "not above its null"}.`;
    }

    addEventListener("hashchange", () => { if (read()) update(false); });
    /* Vega itself follows the window's size only, not that of the page around the figure. */
    new ResizeObserver(() => view?.signal("width", canvas.clientWidth).runAsync()).observe(canvas);
    if (read()) figure.scrollIntoView();
    await update(false);
    setTimeout(() => Object.keys(data.specs).forEach(parse), 500);
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
    /* A link to a view goes to its figure, which the browser alone would not find. */
    addEventListener("hashchange", () => {
      const [id, query] = decodeURIComponent(location.hash.slice(1)).split("?");
      const figure = query === undefined ? null : [...figures].find((f) => f.id === id);
      if (!figure) return;
      figure.tabIndex = -1;
      figure.focus({ preventScroll: true });
      figure.scrollIntoView();
    });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
