"use strict";
// Follows the system's colours before anything is drawn, unless the reader chose some.
(function () {
  const root = document.documentElement;
  root.classList.add("js");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    if (root.dataset.theme !== "auto") return;
    root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
    document.dispatchEvent(new Event("jp:theme"));
  };
  follow();
  dark.addEventListener("change", follow);
  // Paper is white.
  let shown = "";
  window.addEventListener("beforeprint", () => { shown = root.getAttribute("data-bs-theme"); root.setAttribute("data-bs-theme", "light"); });
  window.addEventListener("afterprint", () => { root.setAttribute("data-bs-theme", shown); document.dispatchEvent(new Event("jp:theme")); });
})();
