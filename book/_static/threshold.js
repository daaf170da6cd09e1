/* Moves the threshold through a histogram of errors; see mirage_lib/show/threshold_views.py. */
(() => {
  "use strict";

  function labelled(text, input, id) {
    const label = document.createElement("label"), words = document.createElement("span");
    words.textContent = text;
    input.id = label.htmlFor = id;
    label.append(words, input);
    return label;
  }

  async function bring(figure) {
    const data = await mirageDataOf(figure);
    const { left, right, top, foot } = data.box, steps = data.grid.length - 1;
    const panel = figure.querySelector(".mirage-controls"), status = figure.querySelector(".mirage-status");
    const all = (name) => [...figure.querySelectorAll(`.${name}`)];
    const bars = all("bar"), reaches = all("reach"), points = all("point"), [cut] = all("cut"), [curve] = all("curve");
    const down = Number(points[0].getAttribute("cy")) - (foot - (foot - top) * data.mean[0][data.step] / 1e4);
    const filled = points[0].getAttribute("fill");
    const across = (step) => left + (right - left) * step / steps;

    const slide = Object.assign(document.createElement("input"), { type: "range", min: 0, max: steps, step: 1, value: data.step });
    const shown = document.createElement("output");
    const size = document.createElement("select");
    data.words.forEach((words, k) => size.add(new Option(`${words} parameters`, k)));
    size.value = data.size;
    const slider = labelled("Threshold c", slide, `${figure.id}-c`);
    shown.htmlFor = slide.id;
    slider.append(shown);
    panel.append(slider, labelled("Errors shown of", size, `${figure.id}-size`));
    panel.hidden = false;

    function update() {
      const step = Number(slide.value), at = Number(size.value), below = data.mean[at];
      const shares = bars.map((_, k) => below[k + 1] - below[k]), most = Math.max(...shares, 1);
      bars.forEach((bar, k) => {
        const tall = (foot - top) * shares[k] / most;
        bar.setAttribute("y", foot - tall);
        bar.setAttribute("height", tall);
        bar.setAttribute("fill", k < step ? filled : "none");
      });
      cut.setAttribute("x1", across(step));
      cut.setAttribute("x2", across(step));
      const y = (share) => down + foot - (foot - top) * share / 1e4;
      points.forEach((point, k) => {
        point.setAttribute("cy", y(data.mean[k][step]));
        point.setAttribute("r", k === at ? 6 : 3.5);
        reaches[k].setAttribute("y1", y(data.least[k][step]));
        reaches[k].setAttribute("y2", y(data.most[k][step]));
      });
      curve.setAttribute("points", points.map((point) => `${point.getAttribute("cx")},${point.getAttribute("cy")}`).join(" "));
      const c = String(data.grid[step]), share = (k) => (data.mean[k][step] / 1e4).toFixed(2), last = points.length - 1;
      shown.textContent = c;
      slide.setAttribute("aria-valuetext", c);
      status.textContent = `Threshold ${c}: ${share(at)} of the errors at ${data.words[at]} parameters lie below it; `
        + `over all sizes from ${share(0)} at ${data.words[0]} to ${share(last)} at ${data.words[last]}.`;
    }
    slide.addEventListener("input", update);
    size.addEventListener("input", update);
    update();
    figure.dataset.ready = "true";
  }

  function start() {
    const watch = new IntersectionObserver((entries) => {
      for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
        watch.unobserve(target);
        bring(target).catch((error) => { target.querySelector(".mirage-status").textContent = `The figure stays as it is: ${error.message}.`; });
      }
    }, { rootMargin: "400px" });
    document.querySelectorAll(".mirage-threshold").forEach((figure) => watch.observe(figure));
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
