/* A guess before the answer: native controls, an answer that opens once the reader has committed, and a
   live region that says how far off the guess was. It is kept for this visit only and never leaves the page. */
(() => {
  "use strict";
  const ENGLISH = {
    legend: "Your guess", commit: "This is my guess", again: "Guess again", skip: "Show the answer without guessing", answer: "The answer",
    locked: "The answer opens after your guess.", shown: "Shown without a guess.",
    chose: (x) => `You chose ${x}.`, right: "That is right.", several: (x) => `What holds: ${x}.`, is: (x) => `The answer is ${x}.`,
    guessed: (x) => `You guessed ${x}.`, truth: (x) => `It is ${x}.`, interval: (a, b) => `The 95 % interval goes from ${a} to ${b}.`,
    near: "As near as this control allows.", high: (x) => `Your guess is ${x} too high.`, low: (x) => `Your guess is ${x} too low.`,
    timesHigh: (x) => `Your guess is ${x} times too high.`, timesLow: (x) => `Your guess is ${x} times too low.`,
    inside: "Your guess lies inside it.", yours: "your guess", true: "the answer",
  };
  const CHINESE = {
    legend: "你的猜测", commit: "我就猜这个", again: "重新猜", skip: "不猜，直接看答案", answer: "答案",
    locked: "猜过之后答案才会打开。", shown: "没有猜测，直接显示。",
    chose: (x) => `你选了 ${x}。`, right: "答对了。", several: (x) => `成立的是：${x}。`, is: (x) => `答案是 ${x}。`,
    guessed: (x) => `你猜的是 ${x}。`, truth: (x) => `实际是 ${x}。`, interval: (a, b) => `95% 区间为 ${a} 到 ${b}。`,
    near: "已是这个控件所能给出的最接近的值。", high: (x) => `你的猜测高了 ${x}。`, low: (x) => `你的猜测低了 ${x}。`,
    timesHigh: (x) => `你的猜测是实际值的 ${x} 倍。`, timesLow: (x) => `实际值是你的猜测的 ${x} 倍。`,
    inside: "你的猜测落在区间内。", yours: "你的猜测", true: "答案",
  };
  const words = document.documentElement.lang.toLowerCase().startsWith("zh") ? CHINESE : ENGLISH;
  const SVG = "http://www.w3.org/2000/svg";

  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  /* Files opened from a disk may have no storage; then nothing is remembered. */
  const store = {
    read(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
    write(key, value) { try { if (value === null) sessionStorage.removeItem(key); else sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* not kept */ } },
  };

  const plain = (x) => (Math.abs(x) >= 1000 ? Math.round(x).toLocaleString("en") : String(+x.toPrecision(3))).replace("-", "\u2212");
  const letter = (k) => `(${"abcdefgh"[k]})`;

  /* A control has: element, read(), write(value), mark(value or null) and judge(value), which returns sentences. */
  function choice(guess, data) {
    const list = guess.querySelector(".mirage-options");
    const box = make("div", { className: "mirage-choices" });
    const rows = [...list.children].map((item, k) => {
      const input = make("input", { type: "radio", name: guess.id, value: "abcdefgh"[k], required: true });
      const note = make("strong", { className: "mirage-note" });
      const text = make("span");
      const content = item.children.length === 1 && item.firstElementChild.tagName === "P" ? item.firstElementChild : item;
      text.append(`${letter(k)} `, ...content.childNodes, note);
      box.append(make("label", {}, input, text));
      return { input, note };
    });
    list.remove();
    return {
      element: box,
      read: () => rows.find((row) => row.input.checked)?.input.value ?? null,
      write(value) { for (const { input } of rows) input.checked = input.value === value; },
      mark(value, open) {
        for (const { input, note } of rows) {
          const notes = [input.value === value && words.yours, data.right.includes(input.value) && words.true].filter(Boolean);
          note.textContent = open && notes.length ? ` \u2190 ${notes.join(", ")}` : "";
        }
      },
      judge(value) {
        const right = data.right.map((x) => `(${x})`);
        const told = [words.chose(`(${value})`)];
        if (data.right.includes(value)) told.push(words.right);
        if (right.length > 1) told.push(words.several(right.join(", ")));
        else if (right.length && !data.right.includes(value)) told.push(words.is(right[0]));
        return told;
      },
    };
  }

  function number(guess, data) {
    const unit = data.unit ? `\u00a0${data.unit}` : "", say = (x) => plain(x) + unit;
    const input = make("input", { type: "range", min: 0, max: data.values.length - 1, step: 1, id: `${guess.id}-range` });
    input.value = Math.floor((data.values.length - 1) / 2);
    const output = make("output", { htmlFor: input.id });
    const label = make("label", { htmlFor: input.id }, data.label ?? words.legend);
    const read = () => data.values[input.value];
    const points = data.ends ? [...guess.querySelectorAll("svg")].map((svg) => point(svg, data)) : [];
    function tell() {
      output.textContent = say(read());
      input.setAttribute("aria-valuetext", say(read()));
      for (const put of points) put(Number(input.value) / input.max);
    }
    input.addEventListener("input", tell);
    guess.querySelector(".mirage-span")?.remove();
    tell();
    return {
      element: make("div", { className: "mirage-slider" }, ...[...guess.querySelectorAll(".mirage-known")], label, input, output),
      read,
      write(value) { const k = data.values.indexOf(value); if (k >= 0) input.value = k; tell(); },
      mark(value, open) { guess.classList.toggle("mirage-unguessed", open && value === null); },
      judge(value) {
        const told = [words.guessed(say(value))];
        if (data.truth === null) return told;
        told.push(words.truth(say(data.truth)));
        const off = value - data.truth, place = data.values.indexOf(value);
        const beside = [place - 1, place + 1].map((k) => data.values[k]).filter((x) => x !== undefined);
        if (beside.every((x) => Math.abs(x - data.truth) >= Math.abs(off))) told.push(words.near);
        else if (data.ratio && data.truth > 0) told.push(off > 0 ? words.timesHigh(plain(value / data.truth)) : words.timesLow(plain(data.truth / value)));
        else told.push(off > 0 ? words.high(plain(off)) : words.low(plain(-off)));
        if (data.low !== undefined) {
          told.push(words.interval(say(data.low), say(data.high)));
          if (value >= data.low && value <= data.high) told.push(words.inside);
        }
        return told;
      },
    };
  }

  /* The reader's point in a drawing, with a dashed line from the last known one; returns what moves it. */
  function point(svg, data) {
    const group = document.createElementNS(SVG, "g"), line = document.createElementNS(SVG, "line"), mark = document.createElementNS(SVG, "circle");
    group.setAttribute("class", "mirage-mine");
    line.setAttribute("x1", data.from[0]);
    line.setAttribute("y1", data.from[1]);
    mark.setAttribute("r", 6);
    group.append(line, mark);
    svg.append(group);
    return (part) => {
      const [x, y] = [0, 1].map((axis) => data.ends[0][axis] + part * (data.ends[1][axis] - data.ends[0][axis]));
      line.setAttribute("x2", x); line.setAttribute("y2", y);
      mark.setAttribute("cx", x); mark.setAttribute("cy", y);
    };
  }

  function bring(guess) {
    const data = JSON.parse(guess.dataset.guess), key = `mirage-guess ${location.pathname}#${guess.id}`;
    const question = guess.querySelector(".mirage-question"), details = guess.querySelector("details.mirage-answer");
    const summary = details.querySelector("summary"), told = details.querySelector("div");
    const control = data.kind === "choice" ? choice(guess, data) : number(guess, data);
    const commit = make("button", { type: "submit", textContent: words.commit });
    const again = make("button", { type: "button", textContent: words.again, hidden: true });
    const lock = make("p", { className: "mirage-locked", textContent: words.locked });
    const legend = make("legend", {}, ...question.childNodes);
    const fields = make("fieldset", {}, legend, control.element);
    const status = make("p", { className: "mirage-status" });
    status.setAttribute("role", "status");
    const form = make("form", {}, fields, make("div", { className: "mirage-buttons" }, commit, again, lock));
    question.replaceWith(form);
    details.before(status);
    told.tabIndex = -1;

    /* kept: the guess, or "" for an answer shown without one. */
    function show(kept) {
      const mine = kept === "" ? null : kept;
      control.mark(mine, true);
      fields.disabled = commit.hidden = lock.hidden = true;
      again.hidden = false;
      summary.textContent = words.answer;
      status.textContent = mine === null ? words.shown : control.judge(mine).join(" ");
      details.open = true;
      guess.dataset.state = "open";
    }

    function reset() {
      store.write(key, null);
      control.mark(null, false);
      if (data.kind === "choice") control.write(null);
      fields.disabled = commit.hidden = lock.hidden = false;
      again.hidden = true;
      summary.textContent = words.skip;
      status.textContent = "";
      details.open = false;
      guess.dataset.state = "asked";
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const mine = control.read();
      store.write(key, mine);
      show(mine);
      told.focus();
    });
    again.addEventListener("click", () => { reset(); fields.querySelector("input").focus(); });
    details.addEventListener("toggle", () => {
      if (details.open && guess.dataset.state === "asked") { store.write(key, ""); show(""); }
    });
    const kept = store.read(key);
    if (kept === null) { summary.textContent = words.skip; guess.dataset.state = "asked"; }
    else { if (kept !== "") control.write(kept); show(kept); }
  }

  const start = () => document.querySelectorAll(".mirage-guess").forEach(bring);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
