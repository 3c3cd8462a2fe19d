"use strict";
// Draws the charts of a report from the JSON in the page. Nothing is fetched.
(function () {
  const report = JSON.parse(document.getElementById("report").textContent);
  const looks = jinpaiCharts({ isChinese: report.language === "zh", prefix: "--", money: () => report.money, marks: true });
  const problems = [];
  const note = (text) => { problems.push(String(text)); document.documentElement.dataset.problems = problems.join("\n"); };
  window.addEventListener("error", (event) => note(event.message));
  document.addEventListener("securitypolicyviolation", (event) => note(event.violatedDirective + " " + event.blockedURI));

  const live = new Map();
  let beforePrint = false;
  const isPrinting = () => beforePrint || window.matchMedia("print").matches;
  function draw(place) {
    const chart = report.charts[place.id];
    if (!chart) { place.closest("figure").remove(); return; }
    const width = place.clientWidth;
    if (!width) return;
    // So that the overview, and every agent, fits on one sheet of A4.
    const shrunk = place.closest(".sheet") ? 0.66 : place.closest(".overview") ? 0.54 : 0.62;
    const height = Math.round(Number(place.dataset.height) * (isPrinting() ? shrunk : 1));
    place.style.height = height + "px";
    const before = live.get(place.id);
    if (before) before.dispose();
    const made = echarts.init(place, null, { renderer: "svg", width, height });
    made.setOption(looks.optionOf(chart, width));
    live.set(place.id, made);
    place.dataset.drawn = "1";
  }
  const places = () => Array.from(document.querySelectorAll(".plot"));
  const drawAll = () => places().forEach(draw);

  // The first charts at once, the others when they come near the screen, all of them before printing.
  const EAGER = 80;
  const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) { watcher.unobserve(entry.target); draw(entry.target); }
  }), { rootMargin: "600px" });
  places().forEach((place, at) => {
    place.style.height = place.dataset.height + "px";
    if (at < EAGER) draw(place); else watcher.observe(place);
  });

  let pending = 0;
  window.addEventListener("resize", () => { clearTimeout(pending); pending = setTimeout(() => places().filter((place) => place.dataset.drawn).forEach(draw), 150); });
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => places().filter((place) => place.dataset.drawn).forEach(draw));
  window.matchMedia("print").addEventListener("change", drawAll);
  window.addEventListener("beforeprint", () => { beforePrint = true; drawAll(); });
  window.addEventListener("afterprint", () => { beforePrint = false; drawAll(); });
})();
