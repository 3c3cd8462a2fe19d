"use strict";
// Small help for pages that work without it: filters send themselves, menus close, links are copied.
(function () {
  const csrf = () => { const meta = document.querySelector("meta[name=csrf]"); return meta ? meta.content : ""; };
  document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = csrf(); });
  // Pages of errors are shown too.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status >= 400) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form && event.target.checkValidity()) form.requestSubmit();
  });

  // A slider says where it stands.
  document.addEventListener("input", (event) => {
    const said = event.target.type === "range" && event.target.parentElement.querySelector("output");
    if (said) said.textContent = Number((event.target.value * event.target.dataset.scale).toFixed(6)) + event.target.dataset.suffix;
  });

  // Chosen columns go into one parameter, in the table's order.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-columns]");
    if (!form) return;
    const chosen = Array.from(form.querySelectorAll("input[type=checkbox]:checked"), (box) => box.value);
    form.elements[form.dataset.columns + ".cols"].value = chosen.join(",");
  }, true);

  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.jp-drop[open]").forEach((one) => { if (!one.contains(event.target)) one.open = false; });
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const text = new URL(copy.dataset.copy, location.href).href;
      (navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject()).then(() => toast(document.body.dataset.copied), () => window.prompt("", text));
    }
    if (event.target.closest("[data-print]")) window.print();
  });

  function toast(text) {
    const made = document.createElement("div");
    made.className = "jp-toast";
    made.setAttribute("role", "status");
    made.textContent = text;
    document.body.append(made);
    setTimeout(() => made.remove(), 1800);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll("details.jp-drop[open]").forEach((one) => { one.open = false; one.querySelector("summary").focus(); });
    if (event.key === "Escape" && event.target.closest("textarea")) event.target.blur();
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.target.isContentEditable) return;
    // A page names its keys: <a data-key="j" href="…">; whoever is pressed is followed.
    const target = Array.from(document.querySelectorAll("[data-key]")).find((one) => one.dataset.key.split(" ").includes(event.key));
    if (target) { event.preventDefault(); target.click(); return; }
    // N and P go along places of the page: <a data-walk href="#…">.
    const stops = Array.from(new Set(Array.from(document.querySelectorAll("a[data-walk]"), (one) => one.hash)));
    const step = { n: 1, p: -1 }[event.key];
    if (!step || !stops.length) return;
    const at = stops.indexOf(location.hash);
    location.hash = stops[at < 0 ? (step > 0 ? 0 : stops.length - 1) : (at + step + stops.length) % stops.length];
  });

  const near = () => { const one = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1))); if (one) one.scrollIntoView({ block: "center" }); };
  document.addEventListener("htmx:load", near);
  window.addEventListener("load", near);
})();
