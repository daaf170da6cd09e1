/* Closing a drawer of the narrow page gives the focus back to the button that opened it; the theme loses it. */
(() => {
  "use strict";
  let opener = null;
  addEventListener("click", ({ target }) => {
    opener = target.closest?.(".primary-toggle, .secondary-toggle") ?? opener;
  }, true);
  addEventListener("close", ({ target }) => {
    if (target.id.endsWith("sidebar-modal")) setTimeout(() => opener?.focus());
  }, true);
})();
