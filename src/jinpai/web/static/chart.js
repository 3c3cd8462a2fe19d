"use strict";
// Draws every <div class="jp-chart" data-chart="JSON"> with ECharts. Nothing is fetched.
(function () {
  let money = "";
  const looks = jinpaiCharts({ isChinese: document.documentElement.lang.startsWith("zh"), prefix: "--jp-", money: () => money, marks: false });

  // Tooltips are elements of our own: markup with styles in it would not pass the content policy.
  function tooltipOf(chart, option) {
    const given = option.tooltip.formatter;
    const values = option.tooltip.valueFormatter || ((value) => looks.show(chart.unit, value));
    option.tooltip.formatter = (items) => {
      const box = document.createElement("div");
      box.className = "jp-tip";
      if (given) { box.innerHTML = given(items); return box; }
      const list = Array.isArray(items) ? items : [items];
      const head = document.createElement("div");
      head.textContent = list[0].name;
      box.append(head);
      list.forEach((item) => {
        const row = document.createElement("div");
        const value = document.createElement("b");
        value.textContent = values(Array.isArray(item.value) ? item.value[1] : item.value);
        row.className = "jp-tip-row";
        row.style.setProperty("--jp-dot", item.color);
        row.append(item.seriesName.startsWith("series") ? "" : item.seriesName + "  ", value);
        box.append(row);
      });
      return box;
    };
  }

  const live = new Map();
  function draw(place) {
    const chart = JSON.parse(place.dataset.chart);
    money = chart.money || "";
    const width = place.clientWidth;
    if (!width || !looks.knows(chart)) return;
    const height = Math.max(chart.height || 260, looks.heightOf(chart, width));
    place.style.height = height + "px";
    const before = live.get(place);
    if (before) before.dispose();
    const made = echarts.init(place, null, { renderer: "svg", width, height });
    const option = looks.optionOf(chart, width);
    tooltipOf(chart, option);
    made.setOption(option);
    const open = chart.links;
    if (open) made.on("click", (item) => { const to = open[item.dataIndex]; if (to) location.href = to; });
    live.set(place, made);
    place.dataset.drawn = "1";
  }
  const sweep = () => live.forEach((chart, place) => { if (!place.isConnected) { chart.dispose(); live.delete(place); } });
  const watcher = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) { watcher.unobserve(entry.target); draw(entry.target); }
  }), { rootMargin: "300px" });
  const EAGER = 8; // the first at once, the others when they come near the screen
  const start = (root) => { sweep(); root.querySelectorAll(".jp-chart:not([data-drawn])").forEach((place, at) => {
    place.style.height = (JSON.parse(place.dataset.chart).height || 260) + "px";
    if (at < EAGER) draw(place); else watcher.observe(place);
  }); };
  const again = () => { sweep(); Array.from(live.keys()).forEach(draw); };

  document.addEventListener("DOMContentLoaded", () => start(document));
  document.addEventListener("htmx:load", (event) => start(event.detail.elt || document));
  document.addEventListener("jp:theme", again);
  let pending = 0;
  window.addEventListener("resize", () => { clearTimeout(pending); pending = setTimeout(again, 150); });
  // On paper a chart is as wide as there is room.
  window.addEventListener("beforeprint", () => document.querySelectorAll(".jp-chart").forEach((place) => {
    draw(place);
    const drawn = place.querySelector("svg");
    if (drawn) drawn.setAttribute("viewBox", "0 0 " + drawn.getAttribute("width") + " " + drawn.getAttribute("height"));
  }));
})();
