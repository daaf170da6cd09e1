/* What runs in the worker of the own-metric cell: Python, the reader's code, and the curve's intervals.
   The page makes a worker of this function's text, since a page opened from a disk may not name a file. */
mirageParts.worker = () => {
  "use strict";
  const MEGABYTE = 2 ** 20, LEVEL = 0.95, Z = 1.959963984540054;
  /* Applies the reader's function; the line of an error is that of the reader's own code. */
  const HARNESS = `
import json, math, numbers

FILE = "<your metric>"
calls = []


class Told(Exception):
    """Says by itself what is wrong."""


def read(code):
    names = {"__name__": "your_metric"}
    exec(compile(code, FILE, "exec", dont_inherit=True), names)
    made = names.get("metric")
    if not callable(made):
        raise Told("There is no function called metric: begin with “def metric(target, output):”.")
    return made


def number(value):
    if isinstance(value, bool):
        return float(value)
    if value is None:
        raise Told("metric gave None, not a number: is a “return” missing?")
    if not isinstance(value, numbers.Real):
        what = f"the text {value[:40]!r}" if isinstance(value, str) else f"a {type(value).__name__}"
        raise Told(f"metric gave {what}, not a number.")
    value = float(value)
    if not math.isfinite(value):
        raise Told(f"metric gave {value}: a mean needs finite numbers.")
    return value


def told(error, code):
    line, said, trace = None, f"{type(error).__name__}: {error}".rstrip(": ") + ".", error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == FILE:
        line, said = error.lineno, f"{type(error).__name__}: {error.msg}."
    elif isinstance(error, Told):
        said = str(error)
    if calls:
        said += " Target {!r}, output {!r}.".format(*calls)
        if line is None:
            line = next((k for k, text in enumerate(code.splitlines(), 1) if text.startswith("def metric")), None)
    return {"error": said, "line": line}


def run(code, rows):
    calls.clear()
    try:
        metric, truths, scores = read(code), 0, []
        for target, output in json.loads(rows):
            calls[:] = target, output
            value = metric(target, output)
            truths += isinstance(value, bool)
            scores.append(number(value))
        return json.dumps({"scores": scores, "truths": truths})
    except BaseException as error:
        return json.dumps(told(error, code))
`;
  const printed = [];

  async function bytes(part, packed) {
    const letters = atob(part), raw = new Uint8Array(letters.length);
    for (let i = 0; i < raw.length; i += 1) raw[i] = letters.charCodeAt(i);
    if (!packed) return raw;
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function script(part) {
    return import(URL.createObjectURL(new Blob([await bytes(part, true)], { type: "text/javascript" })));
  }

  /* Python asks for its own files here, and nobody gets anything from outside. */
  function closeDoors(parts, most) {
    const served = { "pyodide.asm.wasm": [true, "application/wasm"], "python_stdlib.zip": [false, "application/zip"] };
    self.fetch = async (address) => {
      const name = String(address?.url ?? address).split("/").pop(), [packed, type] = served[name] ?? [];
      if (!type) throw new Error("there is no network here");
      return new Response(await bytes(parts[name], packed), { headers: { "Content-Type": type } });
    };
    for (const way of ["XMLHttpRequest", "WebSocket", "EventSource", "WebTransport"]) {
      Object.defineProperty(self, way, { value: undefined });
    }
    const grow = WebAssembly.Memory.prototype.grow;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (this.buffer.byteLength + pages * 65536 > most * MEGABYTE) throw new RangeError("no more memory");
      return grow.call(this, pages);
    };
  }

  async function start({ parts, megabytes }) {
    closeDoors(parts, megabytes);
    const { loadPyodide } = await script(parts["pyodide.mjs"]);
    const engine = await script(parts["pyodide.asm.mjs"]);
    const python = await loadPyodide({
      indexURL: "mirage:/pyodide/", createPyodideModule: engine.default, jsglobals: {},
      lockFileContents: parts["pyodide-lock.json"],
      stdout: (line) => { if (printed.length < 20) printed.push(line.slice(0, 500)); }, stderr: () => {},
    });
    python.runPython(HARNESS);
    return python.globals.get("run");
  }

  /* The estimates of mirage_lib/curves.py, with the draws that it makes: the numbers agree. */
  function wilson(successes, n) {
    const share = successes / n, whole = 1 + Z ** 2 / n, middle = (share + Z ** 2 / (2 * n)) / whole;
    const half = (Z / whole) * Math.sqrt(share * (1 - share) / n + Z ** 2 / (4 * n ** 2));
    return [successes === 0 ? 0 : middle - half, successes === n ? 1 : middle + half];
  }

  function quantile(sorted, share) {
    const place = share * (sorted.length - 1), below = Math.floor(place), above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  }

  function estimate(scores, seeds, { items, counts, weights }, within) {
    /* Mean of a seed, of all problems or of those that a draw took so many times. */
    function meanOf(seed, times) {
      let sum = 0;
      for (let i = 0; i < items; i += 1) sum += scores[seed * items + i] * (times ? times[i] : 1);
      return sum / items;
    }
    let mean = 0;
    for (let s = 0; s < seeds; s += 1) mean += meanOf(s) / seeds;
    const plain = within && scores.every((score) => score === 0 || score === 1);
    if (plain && (seeds === 1 || mean === 0 || mean === 1)) {
      return [mean, ...wilson(Math.round(mean * items), items)];
    }
    const drawn = weights[seeds].map((weight, k) => {
      const times = counts.subarray(k * items, (k + 1) * items);
      let all = 0;
      for (let s = 0; s < seeds; s += 1) if (weight[s]) all += weight[s] * meanOf(s, times) / seeds;
      return all;
    }).sort((a, b) => a - b);
    return [mean, quantile(drawn, (1 - LEVEL) / 2), quantile(drawn, (1 + LEVEL) / 2)];
  }

  function curves(scores, { cells, seeds, items, draws }) {
    const within = scores.every((score) => score >= 0 && score <= 1);
    const counts = Uint8Array.from(draws.counts, (digit) => parseInt(digit, 36)), weights = {};
    for (const [k, rows] of Object.entries(draws.weights)) weights[k] = rows.map((row) => [...row].map(Number));
    let from = 0;
    return cells.map(() => seeds.map((count) => {
      const own = scores.slice(from, from += count * items);
      return estimate(own, count, { items, counts, weights }, within);
    }));
  }

  let run = null, data = null, pairs = "";
  self.onmessage = async ({ data: message }) => {
    try {
      if (message.parts) {
        data = message.data;
        pairs = JSON.stringify(data.cells.flatMap(({ targets, outputs }) =>
          outputs.map((output, k) => [targets[k % data.items], output])));
        run = await start(message);
        self.postMessage({ ready: true });
        return;
      }
      printed.length = 0;
      const found = JSON.parse(run(message.code, pairs));
      const { scores, ...rest } = found;
      self.postMessage({ ...rest, printed, ...(scores ? { curves: curves(scores, data) } : {}) });
    } catch (error) {
      /* Python itself broke down, as it does when its memory or its stack is gone: only a new one helps. */
      self.postMessage({ broken: `${error?.name ?? "Error"}: ${error?.message ?? error}`.split("\n")[0] });
    }
  };
};
