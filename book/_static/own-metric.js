/* The own-metric cell: an editor for a metric in Python, a button that runs it in a worker, a way to stop it.
   Python, the strings and the drawing load at the first press; code in the address waits for one too. */
(() => {
  "use strict";
  const here = new URL(".", document.currentScript.src);
  const ENGINE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];
  const OWN = ["worker", "curves", "data"];
  const FILES = [...OWN.map((name) => `own-metric-${name}.js`), ...ENGINE.map((name) => `pyodide/${name}.js`)];
  const loading = new Map();

  function load(file) {
    if (!loading.has(file)) {
      loading.set(file, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(file, here);
        script.charset = "utf-8";
        script.onload = resolve;
        script.onerror = () => { loading.delete(file); script.remove(); reject(new Error(`${file} could not be read`)); };
        document.head.append(script);
      }));
    }
    return loading.get(file);
  }

  async function loadAll(tell) {
    window.mirageParts ??= {};
    let done = 0;
    await Promise.all(FILES.map((file) => load(file).then(() => tell(done += 1, FILES.length))));
    return window.mirageParts;
  }

  const toAddress = (code) => btoa(String.fromCharCode(...new TextEncoder().encode(code)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  function fromAddress(id) {
    const [asked, query] = location.hash.slice(1).split("?");
    const packed = asked === id && query ? new URLSearchParams(query).get("code") : null;
    if (packed === null) return null;
    try {
      const raw = atob(packed.replace(/-/g, "+").replace(/_/g, "/"));
      return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(raw, (c) => c.charCodeAt(0)));
    } catch {
      return undefined;
    }
  }

  function make(name, settings = {}, ...inner) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(settings)) {
      if (key in made && key !== "role") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...inner);
    return made;
  }

  /* A text area with numbered lines, one of which can be marked. */
  function makeEditor(id, changed) {
    const numbers = make("pre", { className: "mirage-own-numbers", "aria-hidden": "true" });
    const box = make("textarea", { id: `${id}-code`, spellcheck: false, wrap: "off", autocomplete: "off",
      autocapitalize: "off", "aria-describedby": `${id}-hint` });
    let marked = null;
    function number() {
      const lines = box.value.split("\n").length;
      box.rows = Math.min(Math.max(lines + 1, 8), 20);
      numbers.replaceChildren(...Array.from({ length: lines }, (_, k) => k + 1 === marked
        ? make("strong", {}, `▸${k + 1}\n`) : `${k + 1}\n`));
      numbers.scrollTop = box.scrollTop;
    }
    function mark(line) {
      marked = line;
      if (line === null) box.removeAttribute("aria-invalid");
      else {
        box.setAttribute("aria-invalid", "true");
        const lines = box.value.split("\n"), from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
        box.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
      }
      number();
    }
    box.addEventListener("scroll", () => { numbers.scrollTop = box.scrollTop; });
    box.addEventListener("input", () => { marked = null; box.removeAttribute("aria-invalid"); number(); });
    box.addEventListener("change", changed);
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.shiftKey || event.isComposing) return;
      const line = box.value.slice(0, box.selectionStart).split("\n").pop();
      event.preventDefault();
      type("\n" + /^ */.exec(line)[0] + (line.trimEnd().endsWith(":") ? "    " : ""));
    });
    /* As if typed, so that the browser's own undo takes it back. */
    function type(text) {
      if (!document.execCommand("insertText", false, text)) {
        box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
        box.dispatchEvent(new Event("input"));
      }
    }
    return { box, mark, part: make("div", { className: "mirage-own-code" }, numbers, box),
      set(code, byHand) {
        if (byHand) {
          box.focus();
          box.select();
          type(code);
          box.setSelectionRange(0, 0);
          box.scrollTop = 0;
        } else box.value = code;
        mark(null);
      } };
  }

  function bring(cell) {
    const limit = () => Number(cell.dataset.seconds), megabytes = Number(cell.dataset.megabytes);
    const starters = [...cell.querySelectorAll("pre[data-starter]")];
    const editor = makeEditor(cell.id, () => write());
    const runs = make("button", { type: "button" }, "Run my metric");
    const stops = make("button", { type: "button", "aria-disabled": "true" }, "Stop");
    const status = make("p", { className: "mirage-status", role: "status" });
    const printed = make("pre", { className: "mirage-own-printed", hidden: true, tabIndex: 0, role: "region",
      "aria-label": "What the code printed" });
    const result = make("div", { hidden: true });
    const choose = starters.map((starter) => {
      const button = make("button", { type: "button" }, starter.dataset.starter);
      button.addEventListener("click", () => {
        editor.set(starter.textContent, true);
        button.focus();
        write();
        say(`${starter.dataset.starter} is in the box.`);
      });
      return button;
    });
    cell.prepend(
      make("div", { className: "mirage-own-buttons", role: "group", "aria-label": "Start from" },
        make("span", {}, "Start from"), ...choose),
      make("label", { htmlFor: editor.box.id }, "Your metric, in Python"), editor.part,
      make("p", { id: `${cell.id}-hint`, className: "mirage-own-hint" },
        "metric(target, output) gets two texts and returns a number. "
        + "Tab leaves the box, Enter keeps the indent, Ctrl+Enter runs."),
      make("p", { className: "mirage-own-hint" },
        "The first run loads Python, 6 MB, from this site. "
        + `A run ends after ${limit()} seconds at the latest, has ${megabytes} MB of memory and no network. `
        + "The address keeps your code; code that came with a link waits for your press."),
      make("div", { className: "mirage-own-buttons" }, runs, stops), status, printed, result);

    let worker = null, turn = 0, timer = null, busy = false;
    const say = (text, wrong = false) => { status.textContent = text; status.toggleAttribute("data-error", wrong); };

    function read() {
      const code = fromAddress(cell.id);
      if (code === undefined) say("The code in this address is damaged, so the box holds a starter instead.");
      if (code) { editor.set(code); say("This code came with the address. Read it, then press Run my metric."); }
      return Boolean(code);
    }
    const write = () => history.replaceState(null, "", `#${cell.id}?code=${toAddress(editor.box.value)}`);

    function setBusy(now) {
      busy = now;
      clearTimeout(timer);
      runs.setAttribute("aria-disabled", String(now));
      stops.setAttribute("aria-disabled", String(!now));
    }

    function end(text) {
      turn += 1;
      worker?.terminate();
      worker = null;
      setBusy(false);
      result.hidden = true;
      say(text, true);
    }

    /* Made of text, because a page opened from a disk may not name a file; its origin is nobody's. */
    function startWorker({ worker: code, data, draw, ...parts }) {
      const text = encodeURIComponent(`(${code})()`);
      const made = new Worker(`data:text/javascript;charset=utf-8,${text}`, { type: "module" });
      made.postMessage({ parts, megabytes, data });
      return made;
    }

    const answer = (from) => new Promise((resolve, reject) => {
      from.onmessage = (event) => resolve(event.data);
      from.onerror = (event) => reject(new Error(event.message ?? "this browser started no worker"));
    });

    async function run() {
      if (busy) return;
      setBusy(true);
      write();
      editor.mark(null);
      printed.hidden = true;
      const mine = turn += 1, code = editor.box.value;
      try {
        const parts = await loadAll((done, all) => {
          if (mine === turn) say(`Loading Python and the answers: ${done} of ${all} files.`);
        });
        if (mine !== turn) return;
        if (worker === null) {
          say("Starting Python.");
          worker = startWorker(parts);
          const started = await answer(worker);
          if (started.broken) throw new Error(started.broken);
          if (mine !== turn) return;
        }
        say("Running.");
        const seconds = limit(), over = `Stopped: your code ran for ${seconds} seconds. Is there a loop without an end?`;
        timer = setTimeout(() => end(over), 1000 * seconds);
        worker.postMessage({ code });
        show(await answer(worker), parts);
      } catch (error) {
        if (mine === turn) end(`Python did not start: ${error.message.replace(/\.$/, "")}. Reload the page to try again.`);
      }
    }

    function show(found, { data, draw }) {
      if (found.broken) { end(`Python broke down and starts anew at the next run. ${found.broken}`); return; }
      setBusy(false);
      printed.hidden = found.printed.length === 0;
      printed.textContent = found.printed.join("\n");
      result.hidden = Boolean(found.error);
      if (found.error) {
        editor.mark(found.line);
        say((found.line === null ? "" : `Line ${found.line}: `) + found.error, true);
        return;
      }
      const note = found.truths ? " True and False counted as 1 and 0." : "";
      draw(result, data, found.curves, (text) => say(text + note));
    }

    runs.addEventListener("click", run);
    stops.addEventListener("click", () => { if (busy) end("Stopped by you."); });
    editor.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
    });
    addEventListener("hashchange", () => { if (!busy) read(); });
    editor.set(starters[0].textContent);
    if (read()) cell.scrollIntoView();
    cell.dataset.ready = "true";
  }

  const start = () => document.querySelectorAll(".mirage-own-metric").forEach(bring);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
