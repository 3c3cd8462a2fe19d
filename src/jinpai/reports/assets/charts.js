"use strict";
// How charts look, in reports and on pages alike: plain data in, ECharts' options out.
// jinpaiCharts({isChinese, prefix, money, marks}): prefix of the colours' custom properties; money() is
// the sign before amounts; marks puts the dots of series into tooltips that are written as markup.
const jinpaiCharts = (options) => {
  const isChinese = options.isChinese;
  const locale = isChinese ? "zh-CN" : "en-GB";
  const MANY_DAYS = 100;

  const number = (value, digits) => value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const exact = {
    money: (value) => (value < 0 ? "−" : "") + options.money() + number(Math.abs(value), 2),
    ratio: (value) => number(value * 100, 1) + "%",
    seconds: (value) => number(value, 1) + (isChinese ? " 秒" : " s"),
    hours: (value) => number(value, 1) + (isChinese ? " 小时" : " h"),
    days: (value) => number(value, 1) + (isChinese ? " 天" : " d"),
    count: (value) => number(value, Number.isInteger(value) ? 0 : 1),
    number: (value) => number(value, 2),
  };
  const short = (value) => {
    const size = Math.abs(value);
    const steps = isChinese ? [[1e8, "亿"], [1e4, "万"]] : [[1e9, "bn"], [1e6, "m"], [1e3, "k"]];
    const step = steps.find(([least]) => size >= least);
    const text = step ? Number((value / step[0]).toFixed(1)).toLocaleString(locale) + step[1] : Number(value.toFixed(1)).toLocaleString(locale);
    return text.replace("-", "−");
  };
  const as = { money_mean: "money", people: "count", orders: "count", items: "count" };
  const known = (unit) => { const name = as[unit] || unit; return exact[name] ? name : "number"; };
  const axisText = { ratio: (v) => Number((v * 100).toFixed(1)) + "%" };
  const show = (unit, value) => (value === null || value === undefined ? "–" : exact[known(unit)](value));

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const get = (name) => style.getPropertyValue(options.prefix + name).trim();
    return {
      ink: get("ink"), quiet: get("quiet"), rule: get("rule"), paper: get("paper"), better: get("better"), worse: get("worse"),
      neutral: get("neutral"), series: [get("c1"), get("c2"), get("c3"), get("c4")],
    };
  };

  // About how wide a text is, in widths of a Chinese letter.
  const breadth = (text) => Array.from(String(text)).reduce((sum, letter) => sum + (letter > "\u2e7f" ? 1 : 0.62), 0);

  // In which row each of some texts stands, given as [middle, width] from the left: none covers another.
  const rowsOf = (texts) => {
    const ends = [];
    return texts.map(([middle, width]) => {
      const free = ends.findIndex((end) => end <= middle - width / 2);
      const row = free < 0 ? ends.length : free;
      ends[row] = middle + width / 2;
      return row;
    });
  };

  // Bars stand where all their names fit below them, else they lie with the names beside them.
  const liesDown = (chart, width) => {
    if (chart.kind === "histogram") return Math.max(...chart.labels.map(breadth)) * 10 + 4 > (width - 60) / chart.labels.length;
    return chart.kind === "pareto" && (width - 90) / chart.labels.length < 44;
  };
  const isNarrow = (width) => width < 560;
  // How high a chart has to be at least at a width, in pixels.
  const heightOf = (chart, width) => {
    const rows = (chart.labels || []).length;
    if (liesDown(chart, width)) return rows * 20 + (chart.kind === "pareto" ? 90 : 50);
    return chart.kind === "tornado" && isNarrow(width) ? rows * 38 + 70 : 0;
  };

  const safe = (text) => String(text).replace(/[&<>"']/g, (letter) => "&#" + letter.charCodeAt(0) + ";");
  const rowText = (name, value, marker) => (options.marks ? marker || "" : "") + safe(name) + "  <b>" + safe(value) + "</b>";

  function base(look) {
    return {
      animation: false,
      color: look.series,
      textStyle: { color: look.ink, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
      grid: { left: 8, right: 14, top: 30, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      legend: { top: 0, left: 0, itemWidth: 14, itemHeight: 8, itemGap: 16, textStyle: { color: look.quiet, fontSize: 12 } },
      tooltip: { trigger: "axis", confine: true, backgroundColor: look.paper, borderColor: look.rule, textStyle: { color: look.ink, fontSize: 12 } },
    };
  }
  const category = (look, data, more) => Object.assign({
    type: "category", data, axisLine: { lineStyle: { color: look.rule } }, axisTick: { show: false },
    axisLabel: { color: look.quiet, fontSize: 12, hideOverlap: true },
  }, more);
  const valueAxis = (look, unit, more) => Object.assign({
    type: "value", splitNumber: 4, splitLine: { lineStyle: { color: look.rule } },
    axisLabel: { color: look.quiet, fontSize: 12, hideOverlap: true, formatter: axisText[unit] || short },
  }, more);

  // The mean of a day and the six before it, where most of them are known.
  const weekly = (values) => values.map((_, at) => {
    const known = values.slice(Math.max(at - 6, 0), at + 1).filter((value) => value !== null && value !== undefined);
    return known.length > 3 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  });
  // Days of many months: each day pale, the mean of its week before it.
  function smoothed(chart, option, look) {
    const rows = chart.bars.map((one) => ["bar", one]).concat(chart.lines.map((one) => ["line", one]));
    const name = (one) => one.name + (isChinese ? " · 7 日均值" : " · 7-day mean");
    option.legend.data = rows.map(([, one]) => name(one));
    option.legend.show = true;
    option.grid.top = 30;
    const days = rows.map(([type, one], at) => ({
      type, name: one.name, data: one.values, stack: type === "bar" ? "days" : undefined, barCategoryGap: "10%", symbol: "circle", symbolSize: 3, showAllSymbol: true, z: 1,
      itemStyle: { color: look.series[at % 4], opacity: 0.3 }, lineStyle: { width: 0 },
    }));
    return days.concat(rows.map(([type, one], at) => ({
      type: "line", name: name(one), data: weekly(one.values), stack: type === "bar" ? "means" : undefined, showSymbol: false, symbol: "circle", z: 3, areaStyle: type === "bar" ? { opacity: 0.12 } : undefined,
      itemStyle: { color: look.series[at % 4] }, lineStyle: { width: 2.5, color: look.series[at % 4] },
    })));
  }

  const drawn = {
    days(chart, look) {
      const option = base(look);
      const both = chart.bars.length + chart.lines.length;
      option.legend.show = both > 1;
      if (both < 2) option.grid.top = 10;
      option.xAxis = category(look, chart.days);
      option.xAxis.axisLabel.formatter = (day) => day.slice(5);
      option.yAxis = valueAxis(look, chart.unit);
      option.tooltip.valueFormatter = (value) => show(chart.unit, value);
      option.series = chart.days.length > MANY_DAYS ? smoothed(chart, option, look) : chart.bars.map((one) => ({ type: "bar", stack: "all", name: one.name, data: one.values, barMaxWidth: 26 }))
        .concat(chart.lines.map((one, place) => ({
          type: "line", name: one.name, data: one.values, connectNulls: false, symbolSize: 5, showSymbol: chart.days.length < 40,
          lineStyle: { width: 2, type: place ? "dashed" : "solid" }, symbol: place ? "emptyCircle" : "circle",
        })));
      return option;
    },
    ranking(chart, look) {
      const option = base(look);
      option.legend.show = false;
      option.grid.top = 4;
      option.grid.right = 96;
      option.yAxis = category(look, chart.labels, { inverse: true });
      option.yAxis.axisLabel = { color: look.ink, fontSize: 12, width: 150, overflow: "truncate" };
      option.xAxis = valueAxis(look, chart.unit, { min: 0 });
      option.tooltip.valueFormatter = (value) => show(chart.unit, value);
      option.series = [{ type: "bar", data: chart.values, barMaxWidth: 20, label: { show: true, position: "right", color: look.ink, formatter: (item) => show(chart.unit, item.value) } }];
      return option;
    },
    histogram(chart, look, width) {
      const option = base(look);
      const one = chart.bars.length < 2;
      const room = (width - 60) / chart.labels.length;
      const widest = Math.max(...chart.labels.map(breadth));
      const isLying = liesDown(chart, width);
      const names = category(look, chart.labels, isLying ? { inverse: true } : {});
      names.axisLabel = { color: look.quiet, fontSize: isLying || widest * 11 + 4 <= room ? 11 : 10, interval: 0 };
      const shares = valueAxis(look, "ratio", isLying && isNarrow(width) ? { splitNumber: 2 } : {});
      option.legend.show = !one;
      if (one) option.grid.top = isLying ? 4 : 22;
      if (isLying) option.grid.right = one ? 44 : 14;
      option.xAxis = isLying ? shares : names;
      option.yAxis = isLying ? names : shares;
      option.tooltip.formatter = (items) => safe(items[0].name) + "<br>" + items.map((item) =>
        rowText(item.seriesName, show("ratio", item.value) + " (" + exact.count(chart.bars[item.seriesIndex].counts[item.dataIndex]) + ")", item.marker)).join("<br>");
      const isTight = !isLying && room < 40;
      option.series = chart.bars.map((bar, place) => ({
        type: "bar", name: bar.name, data: bar.values, barMaxWidth: isLying ? 16 : 34, itemStyle: place ? { color: look.neutral } : {},
        label: { show: one, position: isLying ? "right" : "top", color: look.quiet, fontSize: isTight ? 10 : 11, formatter: (item) => (item.value ? number(item.value * 100, isTight ? 0 : 1) + "%" : "") },
      }));
      return option;
    },
    pareto(chart, look, width) {
      const option = base(look);
      const isLying = liesDown(chart, width);
      const names = category(look, chart.labels, isLying ? { inverse: true } : {});
      names.axisLabel = Object.assign({ color: look.quiet, fontSize: 11, interval: 0 }, isLying ? { width: width * 0.3, overflow: "truncate" } : { width: 70, overflow: "break" });
      const sizes = valueAxis(look, chart.unit || "count", chart.unit ? {} : { minInterval: 1 });
      const shares = valueAxis(look, "ratio", { min: 0, max: 1, interval: 0.25, splitLine: { show: false } });
      option.grid.top = isLying ? 54 : 44;
      option.xAxis = isLying ? [sizes, shares] : names;
      option.yAxis = isLying ? names : [sizes, shares];
      option.tooltip.formatter = (items) => safe(items[0].name) + "<br>" + items.map((item) =>
        rowText(item.seriesName, show(item.seriesIndex ? "ratio" : chart.unit || "count", item.value), item.marker)).join("<br>");
      const isNamed = !isLying && (width > 560 || chart.labels.length < 7); // lying, the line would cross them
      option.series = [
        { type: "bar", name: chart.names[0], data: chart.values, barMaxWidth: isLying ? 14 : 40, label: { show: isNamed, position: "top", color: look.ink, fontSize: 11, formatter: (item) => short(item.value) } },
        { type: "line", name: chart.names[1], data: chart.shares, [isLying ? "xAxisIndex" : "yAxisIndex"]: 1, symbolSize: 5, lineStyle: { width: 2 } },
      ];
      return option;
    },
    curve(chart, look) {
      const option = base(look);
      option.grid.right = 22;
      option.xAxis = valueAxis(look, "ratio", { min: 0, max: 1, interval: 0.2 });
      option.yAxis = valueAxis(look, "ratio", { min: 0, max: 1, interval: 0.2 });
      option.tooltip.formatter = (items) => exact.ratio(items[0].value[0]) + " → <b>" + exact.ratio(items[0].value[1]) + "</b>";
      option.series = [
        { type: "line", name: chart.names[0], data: chart.points, symbolSize: 5, lineStyle: { width: 2 } },
        { type: "line", name: chart.names[1], data: [[0, 0], [1, 1]], showSymbol: false, tooltip: { show: false }, lineStyle: { width: 1, type: "dashed", color: look.neutral }, itemStyle: { color: look.neutral } },
      ];
      return option;
    },
    // Shares at values of a setting: one place each, whatever lies between them.
    steps(chart, look) {
      const option = base(look);
      option.xAxis = category(look, chart.labels);
      option.yAxis = valueAxis(look, chart.unit, { min: 0, max: 1, interval: 0.25 });
      option.tooltip.valueFormatter = (value) => show(chart.unit, value);
      option.series = chart.lines.map((one) => ({ type: "line", name: one.name, data: one.values, symbolSize: 6, connectNulls: false, lineStyle: { width: 2 } }));
      return option;
    },
    // Everybody's value, a point each, over the bands of an indicator with their scores.
    bands(chart, look, width) {
      const option = base(look);
      const values = chart.dots.map((one) => one[1]);
      const ends = chart.bands.flatMap((one) => [one.low, one.high]).filter((one) => one !== null);
      const inner = chart.bands.length > 1 ? ends.filter((one, at) => at > 0 && at < ends.length - 1) : ends;
      const all = [...values, ...(inner.length ? inner : ends)];
      const low = Math.min(...all), high = Math.max(...all), room = (high - low || Math.abs(high) || 1) * 0.08;
      const from = Math.min(...ends) >= 0 ? Math.max(0, low - room) : low - room;
      option.grid = { left: 8, right: 14, top: 22, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" };
      option.legend.show = false;
      option.xAxis = valueAxis(look, chart.unit, { min: from, max: high + room, splitLine: { show: false } });
      option.xAxis.axisLabel.formatter = (value) => (chart.unit === "ratio" ? Number((value * 100).toFixed(1)) + "%" : short(value));
      option.xAxis.axisLabel.showMinLabel = option.xAxis.axisLabel.showMaxLabel = false;
      option.yAxis = { type: "value", min: 0, max: 1, show: false };
      option.tooltip.trigger = "item";
      option.tooltip.formatter = (item) => rowText(item.data.name, show(chart.unit, item.value[0]) + " → " + item.data.score);
      const shown = chart.bands.map((one) => ({ score: one.score, low: Math.max(one.low === null ? from : one.low, from), high: Math.min(one.high === null ? high + room : one.high, high + room) })).filter((one) => one.low < one.high);
      const places = rowsOf(shown.map((one) => [((one.low + one.high) / 2 - from) / (high + room - from) * (width - 22), breadth(one.score) * 11 + 4]));
      const rows = Math.max(...places) + 1;
      option.grid.top = 8 + 14 * rows;
      const shades = shown.map((one, at) => [
        { xAxis: one.low, itemStyle: { color: look.neutral, opacity: at % 2 ? 0.22 : 0.1 }, label: { show: true, position: "top", distance: 4 + 13 * places[at], color: look.quiet, fontSize: 11, formatter: String(one.score) } },
        { xAxis: one.high },
      ]);
      option.series = [{
        type: "scatter", symbolSize: 10, itemStyle: { color: look.series[0], opacity: 0.8 },
        data: chart.dots.map((one, at) => ({ name: one[0], value: [one[1], 0.2 + 0.6 * ((at * 0.618) % 1)], score: one[2] })),
        markArea: { silent: true, data: shades },
      }];
      return option;
    },
    tornado(chart, look, width) {
      const option = base(look);
      const points = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Number(Math.abs(value).toFixed(2)).toLocaleString(locale);
      const room = Math.min(400, width * 0.4);
      const widest = Math.max(...chart.falls.map(Math.abs), ...chart.rises, 1) * (isNarrow(width) ? 1.9 : 1.18);
      const bars = (values, colour, position) => values.map((value, at) => ({
        value, itemStyle: { color: colour + (chart.moves[at] ? "" : "4d") }, label: { show: value !== 0, position },
      }));
      option.grid = { left: room, right: 14, top: 30, bottom: 24 };
      option.yAxis = category(look, chart.labels, { inverse: true, axisLine: { show: false, onZero: false } });
      option.yAxis.axisLabel = { color: look.ink, fontSize: 12, width: room - 14, overflow: isNarrow(width) ? "break" : "truncate", interval: 0 };
      option.xAxis = Object.assign(valueAxis(look, "count", { min: -widest, max: widest }), { splitNumber: 6 });
      option.xAxis.axisLabel.formatter = (value) => (Math.abs(value) === widest ? "" : points(value));
      option.tooltip.formatter = (items) => safe(items[0].name) + " → " + safe(chart.tried[items[0].dataIndex].join(isChinese ? "、" : ", ")) + "<br>"
        + items.map((item) => rowText(item.seriesName, points(item.value), item.marker)).join("<br>");
      const series = (name, values, colour, position) => ({
        type: "bar", stack: "all", name, barMaxWidth: 16, itemStyle: { color: colour }, data: bars(values, colour, position),
        label: { color: look.ink, fontSize: 11, formatter: (item) => points(item.value) },
      });
      option.series = [series(chart.names[0], chart.falls, look.worse, "left"), series(chart.names[1], chart.rises, look.better, "right")];
      option.series[0].markLine = { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: look.quiet, type: "solid", width: 1 }, data: [{ xAxis: 0 }] };
      return option;
    },
    bridge(chart, look, width) {
      const option = base(look);
      option.legend.show = false;
      option.grid.top = 22;
      let level = chart.start;
      const spans = [[0, chart.start, look.neutral, chart.start]];
      chart.parts.forEach((part) => { spans.push([level, level + part, part < 0 ? look.worse : look.better, part]); level += part; });
      spans.push([0, chart.end, look.series[0], chart.end]);
      const low = Math.min(...spans.map(([from, to]) => Math.min(from, to)));
      const lift = low < 0 ? low : 0;
      option.xAxis = category(look, chart.labels);
      option.xAxis.axisLabel = { color: look.quiet, fontSize: width < 420 ? 8 : 11, interval: 0, overflow: "break", width: (width - 48) / chart.labels.length - 2 };
      option.yAxis = valueAxis(look, chart.unit, { show: true });
      option.yAxis.axisLabel.formatter = (value) => short(value + lift);
      option.tooltip.formatter = (items) => rowText(items[0].name, show(chart.unit, spans[items[0].dataIndex][3]));
      option.series = [
        { type: "bar", stack: "all", silent: true, itemStyle: { color: "transparent" }, data: spans.map(([from, to]) => Math.min(from, to) - lift) },
        {
          type: "bar", stack: "all", barMaxWidth: 44,
          data: spans.map(([from, to, colour]) => ({ value: Math.abs(to - from), itemStyle: { color: colour } })),
          label: { show: true, position: "top", color: look.ink, fontSize: width < 420 ? 9 : 11, formatter: (item) => {
            const [, , , value] = spans[item.dataIndex];
            const isPart = item.dataIndex > 0 && item.dataIndex < spans.length - 1;
            return (isPart && value > 0 ? "+" : "") + short(value);
          } },
        },
      ];
      return option;
    },
  };

  return { show, heightOf, optionOf: (chart, width) => drawn[chart.kind](chart, colours(), width), knows: (chart) => chart.kind in drawn };
};
