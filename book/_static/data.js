/* Hands over the data of a figure: from its own script, or from the file beside the pages that book/_ext/bundles.py put them in. */
(() => {
  "use strict";
  window.mirageDataOf = (figure) => new Promise((resolve, reject) => {
    const holder = figure.querySelector("script[type='application/json']"), { name, src } = holder.dataset;
    if (!src) return resolve(JSON.parse(holder.textContent));
    const give = () => resolve(structuredClone(window.mirageData[name]));
    if (window.mirageData?.[name]) return give();
    const script = document.createElement("script");
    script.src = src;
    script.onload = give;
    script.onerror = () => reject(new Error(`${src} could not be read`));
    document.head.append(script);
  });
})();
