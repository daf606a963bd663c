"use strict";
/* Draws every figure[data-chart] from the JSON that its data-src gives. No text from a database ever becomes HTML. */
(function () {
  const drawn = new Map();

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
  function lineColour(index) { return colour("--s" + (index % 8)); }
  function element(tag, text, attributes) {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    for (const name in attributes || {}) made.setAttribute(name, attributes[name]);
    return made;
  }
  function written(value, decimals) {
    if (value === null || value === undefined) return "";
    return value.toLocaleString("en", { maximumFractionDigits: decimals, minimumFractionDigits: Math.min(decimals, 2) }).replace(/,/g, "\u202f");
  }
  function compact(value) {
    if (value === null) return "";
    const size = Math.abs(value);
    if (size >= 1e4 || (size < 1e-3 && size > 0)) return value.toExponential(1).replace("e+", "e");
    return String(Number(value.toPrecision(4)));
  }
  function utc(seconds) {
    return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  }
  const asUtc = (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC");

  function axes(options) {
    const ink = colour("--soft"), grid = { stroke: colour("--grid"), width: 1 };
    const font = "12px system-ui, sans-serif";
    return [
      Object.assign({ stroke: ink, grid: grid, ticks: grid, font: font }, options.x),
      Object.assign({ stroke: ink, grid: grid, ticks: grid, font: font, size: 58,
        values: (u, splits) => splits.map((split) => (split === null ? "" : compact(split))) }, options.y),
    ];
  }

  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  function dates(u, splits, axis, space, step) {
    let before = null;
    return splits.map(function (at) {
      if (at === null) return "";
      const when = new Date(at * 1000), day = when.getUTCDate() + " " + MONTHS[when.getUTCMonth()];
      const isNew = day !== before;
      before = day;
      if (step >= 86400) return step >= 86400 * 60 ? day + "\n" + when.getUTCFullYear() : day;
      return when.toISOString().slice(11, step < 60 ? 19 : 16) + (isNew ? "\n" + day : "");
    });
  }

  /* Wheel and shift-drag move, plus and minus zoom, arrows move, 0 shows everything. */
  function moving(chart) {
    function shift(u, part) {
      const width = u.scales.x.max - u.scales.x.min;
      u.setScale("x", { min: u.scales.x.min + part * width, max: u.scales.x.max + part * width });
    }
    function zoom(u, factor) {
      const middle = (u.scales.x.max + u.scales.x.min) / 2, half = ((u.scales.x.max - u.scales.x.min) * factor) / 2;
      u.setScale("x", { min: middle - half, max: middle + half });
    }
    return {
      hooks: {
        ready: [function (u) {
          u.over.addEventListener("wheel", function (event) {
            if (!chart.isZoomed) return;
            event.preventDefault();
            shift(u, Math.sign(event.deltaX || event.deltaY) * 0.1);
          }, { passive: false });
          u.over.addEventListener("mousedown", function (event) {
            if (!event.shiftKey) return;
            event.stopImmediatePropagation();
            const from = event.clientX, min = u.scales.x.min, max = u.scales.x.max;
            const scale = (max - min) / u.over.clientWidth;
            function move(at) { const by = (from - at.clientX) * scale; u.setScale("x", { min: min + by, max: max + by }); }
            function end() { document.removeEventListener("mousemove", move); document.removeEventListener("mouseup", end); }
            document.addEventListener("mousemove", move);
            document.addEventListener("mouseup", end);
          }, true);
          chart.area.onkeydown = function (event) {
            const acts = { "+": () => zoom(u, 0.5), "=": () => zoom(u, 0.5), "-": () => zoom(u, 2),
              ArrowLeft: () => shift(u, -0.2), ArrowRight: () => shift(u, 0.2), 0: () => chart.whole() };
            if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            acts[event.key]();
          };
        }],
        setScale: [function (u, key) {
          if (key !== "x" || !chart.range) return;
          const span = chart.range[1] - chart.range[0];
          chart.isZoomed = Math.abs(u.scales.x.min - chart.range[0]) + Math.abs(u.scales.x.max - chart.range[1]) > span * 1e-6;
          chart.tool("reset", chart.isZoomed);
          chart.tool("keep", chart.isZoomed && chart.kind === "series");
        }],
      },
    };
  }

  function breakLines(breaks) {
    return { hooks: { draw: [function (u) {
      const pen = u.ctx;
      pen.save();
      pen.strokeStyle = pen.fillStyle = colour("--mark");
      pen.setLineDash([6, 4]);
      pen.font = Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
      const drawn = new Set();
      breaks.forEach(function (change) {
        if (change.at_s < u.scales.x.min || change.at_s > u.scales.x.max) return;
        const x = Math.round(u.valToPos(change.at_s, "x", true));
        pen.beginPath(); pen.moveTo(x, u.bbox.top); pen.lineTo(x, u.bbox.top + u.bbox.height); pen.stroke();
        const isRight = x > u.bbox.left + u.bbox.width * 0.7;
        pen.textAlign = isRight ? "right" : "left";
        const text = change.what + " " + change.new;
        if (drawn.has(text)) return;
        pen.fillText(text, x + (isRight ? -4 : 4), u.bbox.top + (12 + 14 * (drawn.size % 4)) * devicePixelRatio);
        drawn.add(text);
      });
      pen.restore();
    }] } };
  }

  /* Points of few rows: there, but not to be taken for more than they are. */
  function faintPoints(lines, few) {
    return { hooks: { draw: [function (u) {
      const pen = u.ctx;
      pen.save();
      pen.globalAlpha = 0.35;
      lines.forEach(function (line, index) {
        pen.fillStyle = lineColour(index);
        line.value.forEach(function (value, at) {
          if (value === null || line.count[at] >= few || u.data[0][at] < u.scales.x.min || u.data[0][at] > u.scales.x.max) return;
          pen.beginPath();
          pen.arc(u.valToPos(u.data[0][at], "x", true), u.valToPos(value, "y", true), 3 * devicePixelRatio, 0, 2 * Math.PI);
          pen.fill();
        });
      });
      pen.restore();
    }] } };
  }

  function shading(spans) {
    return { hooks: { drawClear: [function (u) {
      u.ctx.save();
      u.ctx.fillStyle = colour("--stall");
      spans.forEach(function (span) {
        const from = u.valToPos(Math.max(span[0], u.scales.x.min), "x", true);
        const to = u.valToPos(Math.min(span[1], u.scales.x.max), "x", true);
        if (to > from) u.ctx.fillRect(from, u.bbox.top, to - from, u.bbox.height);
      });
      u.ctx.restore();
    }] } };
  }

  /* Points so few that a line would hide them are drawn. A break in the line stands where nothing was measured. */
  function withGaps(answer) {
    const times = [], lines = answer.lines.map(() => ({ value: [], low: [], high: [], count: [] }));
    const cuts = answer.breaks.filter((change) => change.is_cut).map((change) => change.at_s);
    answer.times_s.forEach(function (start, position) {
      const before = position ? answer.times_s[position - 1] : start;
      const cut = cuts.find((at) => at > before && at <= start);
      if (cut !== undefined && times.length) {
        times.push(Math.max(cut - 0.5, before + 0.25));
        lines.forEach((line) => { for (const name of ["value", "low", "high", "count"]) line[name].push(null); });
      }
      times.push(start);
      answer.lines.forEach(function (line, index) {
        for (const name of ["value", "low", "high", "count"]) lines[index][name].push(line[name][position]);
      });
    });
    return { times: times, lines: lines };
  }

  function spoken(seconds) {
    const units = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]];
    const unit = units.find((each) => seconds % each[1] === 0), count = seconds / unit[1];
    return count + " " + unit[0] + (unit[0] === "day" && count > 1 ? "s" : "");
  }

  function drawSeries(chart, answer) {
    const shown = withGaps(answer), parameter = answer.parameter, data = [shown.times], series = [{ value: (u, at) => (at === null ? "" : utc(at)) }], bands = [];
    const unit = parameter.unit ? " " + parameter.unit : "";
    const isOne = answer.lines.length === 1;
    answer.lines.forEach(function (line, index) {
      const counts = shown.lines[index].count;
      data.push(shown.lines[index].value);
      series.push({ label: isOne ? (parameter.is_censored ? "median" : "mean") : line.label, stroke: lineColour(index), width: 1.6, spanGaps: answer.times_s.length < 200,
        points: { show: answer.times_s.length < 120, size: 5, filter: (u) => u.data[0].map((_, at) => at).filter((at) => counts[at] >= answer.few_rows) },
        value: (u, value, _, at) => (value === null || at === null ? "" : written(value, answer.decimals) + unit + " (n " + written(counts[at], 0) + ")") });
    });
    if (isOne) {
      data.push(shown.lines[0].low, shown.lines[0].high);
      const words = parameter.is_flag ? ["95 % from", "to"] : ["10 %", "90 %"];
      words.forEach((word) => series.push({ label: word, stroke: "transparent", points: { show: false }, value: (u, value) => (value === null ? "" : written(value, answer.decimals) + unit) }));
      bands.push({ series: [3, 2], fill: colour("--band") });
    }
    chart.range = [answer.start_s, answer.end_s];
    const line = answer.lines[0];
    const unknown = answer.lines.reduce((sum, each) => sum + each.unknown_count, 0);
    const known = answer.lines.reduce((sum, each) => sum + each.known_count, 0);
    chart.counts(written(known, 0) + " values, " + written(unknown, 0) + " unknown, in buckets of " + spoken(answer.width_s) + (answer.left_out_count ? "; " + answer.left_out_count + " further groups are not drawn" : ""));
    if (!line || !answer.times_s.length) return chart.say("No value in this period.");
    // A fixed middle of the range in which most values lie: a lone peak must not flatten the rest.
    chart.plot({
      tzDate: asUtc, scales: { x: { time: true, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => uPlot.rangeNum(Math.min(0, min || 0), max || 1, 0.08, true) } },
      series: series, bands: bands, axes: axes({ x: { values: dates }, y: {} }), plugins: [moving(chart), breakLines(answer.breaks), faintPoints(shown.lines, answer.few_rows)],
      cursor: { sync: { key: "time" }, drag: { x: true, y: false } },
    }, data, chart.range);
    chart.fill(["From (UTC)"].concat(...answer.lines.map((each) => [each.label + (parameter.unit ? " (" + parameter.unit + ")" : ""), "n"])),
      answer.times_s.map((start, position) => [utc(start)].concat(...answer.lines.map((each) => [written(each.value[position], answer.decimals), each.count[position]]))));
  }

  function drawCurves(chart, answer, isTail) {
    const parameter = answer.parameter, all = new Set();
    answer.lines.forEach((line) => line.value.forEach((value) => { if (value > 0) all.add(value); }));
    const xs = Array.from(all).sort((a, b) => a - b);
    chart.counts(answer.lines.map((line) => line.label + ": n " + written(line.known_count, 0) + (line.censored_count ? " and " + written(line.censored_count, 0) + " censored" : "")).join("; "));
    if (!xs.length) return chart.say("No value above 0 in this period.");
    const data = [xs], series = [{ label: parameter.unit || "value", value: (u, value) => (value === null ? "" : compact(value)) }];
    answer.lines.forEach(function (line, index) {
      let position = 0, share = null;
      data.push(xs.map(function (x) {
        while (position < line.value.length && line.value[position] <= x) share = line.share[position++];
        if (share === null) return isTail ? 1 : 0;
        const shown = isTail ? 1 - share : share;
        return isTail && shown <= 1e-9 ? null : shown;
      }));
      series.push({ label: line.label, stroke: lineColour(index), width: 1.8, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), value: (u, value) => (value === null ? "" : (100 * value).toFixed(2) + " %") });
    });
    chart.range = xs.length > 1 ? [xs[0], xs[xs.length - 1]] : [xs[0] / 2, xs[0] * 2];
    chart.plot({ scales: { x: { time: false, distr: 3, range: (u, min, max) => [min, max] }, y: isTail ? { distr: 3 } : { range: [0, 1] } }, series: series,
      axes: axes({ x: { values: (u, splits) => splits.map((v) => (v === null ? "" : compact(v))) }, y: {} }), plugins: [moving(chart)] }, data, chart.range);
    chart.fill(["Share"].concat(answer.lines.map((line) => line.label + (parameter.unit ? " (" + parameter.unit + ")" : ""))),
      [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99].map((share) => [(100 * share) + " %"].concat(answer.lines.map((line) => { const at = line.share.findIndex((s) => s >= share - 1e-9); return at < 0 ? "not reached" : written(line.value[at], answer.decimals); }))));
  }

  function drawScatter(chart, answer) {
    const order = answer.x_values.map((_, index) => index).sort((a, b) => answer.x_values[a] - answer.x_values[b]);
    const xs = order.map((index) => answer.x_values[index]), ys = order.map((index) => answer.y_values[index]);
    chart.counts(xs.length + " of " + written(answer.known_count, 0) + " measurements" + (xs.length < answer.known_count ? ", chosen evenly" : ""));
    if (!xs.length) return chart.say("No measurement has both values.");
    const unit = (figure) => figure.title + (figure.unit ? " (" + figure.unit + ")" : "");
    chart.range = [xs[0], xs[xs.length - 1] > xs[0] ? xs[xs.length - 1] : xs[0] + 1];
    chart.plot({ scales: { x: { time: false, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => uPlot.rangeNum(Math.min(0, min), max, 0.08, true) } },
      series: [{ label: unit(answer.x), value: (u, value) => (value === null ? "" : compact(value)) }, { label: unit(answer.y), stroke: lineColour(0), paths: () => null, points: { show: true, size: 4, width: 0, fill: lineColour(0) }, value: (u, value) => (value === null ? "" : compact(value)) }],
      axes: axes({ x: { label: unit(answer.x), labelFont: "12px system-ui, sans-serif", values: (u, splits) => splits.map((v) => (v === null ? "" : compact(v))) }, y: {} }), plugins: [moving(chart)] }, [xs, ys], chart.range);
    chart.u.over.addEventListener("click", function () {
      const position = chart.u.cursor.idx;
      if (position !== null && position !== undefined && !chart.isZoomed) location.assign("/measurement/" + answer.measurement_ids[order[position]] + keptDatabase());
    });
    chart.fill([unit(answer.x), unit(answer.y), "Measurement"], order.slice(0, 500).map((index) => [compact(answer.x_values[index]), compact(answer.y_values[index]), answer.measurement_ids[index]]));
  }
  function keptDatabase() {
    const kept = new URLSearchParams(location.search).get("db");
    return kept ? "?db=" + encodeURIComponent(kept) : "";
  }

  const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
  function drawHeat(chart, answer) {
    const known = answer.value.filter((value) => value !== null);
    if (!known.length) return chart.say("No value in this period.");
    const low = Math.min(...known), high = Math.max(...known), ratio = devicePixelRatio || 1;
    const canvas = element("canvas", null, { class: "own" });
    const width = chart.area.clientWidth, height = 270;
    canvas.width = width * ratio; canvas.height = height * ratio;
    chart.area.replaceChildren(canvas);
    const pen = canvas.getContext("2d"), left = 84, top = 8, bottom = 46;
    const cellWidth = (width - left - 6) / 24, cellHeight = (height - top - bottom) / 7;
    pen.scale(ratio, ratio);
    pen.font = "12px system-ui, sans-serif";
    answer.value.forEach(function (value, index) {
      const day = Math.floor(index / 24), hour = index % 24;
      pen.fillStyle = value === null ? colour("--grid") : mixed((value - low) / (high - low || 1));
      pen.fillRect(left + hour * cellWidth, top + day * cellHeight, cellWidth - 1, cellHeight - 1);
    });
    pen.fillStyle = colour("--soft");
    pen.textBaseline = "middle";
    DAYS.forEach((day, index) => pen.fillText(day, 0, top + (index + 0.5) * cellHeight));
    pen.textAlign = "center";
    for (let hour = 0; hour < 24; hour += 3) pen.fillText(hour + " h", left + (hour + 0.5) * cellWidth, height - bottom + 12);
    for (let step = 0; step < 100; step++) { pen.fillStyle = mixed(step / 99); pen.fillRect(left + step * 1.5, height - 20, 2, 10); }
    pen.fillStyle = colour("--soft");
    pen.textAlign = "left";
    pen.fillText(compact(low) + " to " + compact(high) + (answer.parameter.unit ? " " + answer.parameter.unit : ""), left + 160, height - 15);
    chart.canvas = canvas;
    chart.counts(written(answer.count.reduce((sum, each) => sum + each, 0), 0) + " values; " + compact(low) + " to " + compact(high) + (answer.parameter.unit ? " " + answer.parameter.unit : ""));
    chart.fill(["Hour (UTC)"].concat(DAYS), Array.from({ length: 24 }, (_, hour) => [hour + " h"].concat(DAYS.map((_, day) => written(answer.value[day * 24 + hour], answer.decimals)))));
  }
  function mixed(share) {
    const from = rgb(colour("--heat-low")), to = rgb(colour("--heat-high"));
    return "rgb(" + from.map((channel, index) => Math.round(channel + (to[index] - channel) * share)).join(",") + ")";
  }
  function rgb(text) { return [1, 3, 5].map((position) => parseInt(text.slice(position, position + 2), 16)); }

  function drawFailures(chart, answer) {
    const names = Object.keys(answer.counts).slice(0, 8);
    if (!names.length) return chart.say("No failure in this period.");
    const data = [answer.times_s], series = [{ value: (u, at) => (at === null ? "" : utc(at)) }];
    names.forEach(function (name, index) {
      data.push(answer.counts[name].map((count, position) => (100 * count) / answer.row_counts[position]));
      series.push({ label: name.replace(/_/g, " "), stroke: lineColour(index), width: 1.6, points: { show: answer.times_s.length < 60 }, value: (u, value) => (value === null ? "" : value.toFixed(1) + " %") });
    });
    const first = answer.times_s[0], last = answer.times_s[answer.times_s.length - 1];
    chart.range = [first, last > first ? last : first + answer.width_s];
    chart.plot({ tzDate: asUtc, scales: { x: { time: true, range: (u, min, max) => [min, max] } }, series: series, axes: axes({ x: { values: dates }, y: {} }), plugins: [moving(chart)] }, data, chart.range);
    chart.fill(["From (UTC)", "rows"].concat(names.map((name) => name.replace(/_/g, " "))), answer.times_s.map((start, position) => [utc(start), answer.row_counts[position]].concat(names.map((name) => answer.counts[name][position]))));
  }

  // One on the other: the whole is drawn first and each smaller sum in front of it.
  function drawCauses(chart, answer) {
    const names = Object.keys(answer.counts);
    if (!names.length) return chart.say("No bad session in this period, or none was judged.");
    const sums = answer.times_s.map(() => 0), stacked = names.map((name) => answer.counts[name].map((count, position) => (sums[position] += count)));
    const data = [answer.times_s], series = [{ value: (u, at) => (at === null ? "" : utc(at)) }];
    names.map((name, index) => index).reverse().forEach(function (index) {
      data.push(stacked[index]);
      series.push({ label: names[index].replace(/_/g, " "), stroke: lineColour(index), fill: lineColour(index), width: 1, paths: uPlot.paths.bars({ size: [0.9, 60] }), points: { show: false }, value: (u, value, of, position) => (position === null || value === null ? "" : String(answer.counts[names[index]][position])) });
    });
    const first = answer.times_s[0], last = answer.times_s[answer.times_s.length - 1];
    chart.range = [first - answer.width_s / 2, last + answer.width_s / 2];
    chart.counts(names.map((name) => name.replace(/_/g, " ") + ": " + answer.counts[name].reduce((a, b) => a + b, 0)).join("; "));
    chart.plot({ tzDate: asUtc, scales: { x: { time: true, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => [0, Math.max(1, max || 1)] } }, series: series, axes: axes({ x: { values: dates }, y: {} }), plugins: [moving(chart)] }, data, chart.range);
    chart.fill(["From (UTC)", "rows"].concat(names.map((name) => name.replace(/_/g, " "))), answer.times_s.map((start, position) => [utc(start), answer.row_counts[position]].concat(names.map((name) => answer.counts[name][position]))));
  }

  function drawTimeline(chart, answer) {
    const data = [answer.t_s, answer.media_s], series = [{ label: "time (s)", value: (u, value) => (value === null ? "" : value.toFixed(2) + " s") },
      { label: "media received", stroke: lineColour(7), width: 2, points: { show: false }, value: (u, value) => (value === null ? "" : value.toFixed(1) + " s") }];
    answer.players.forEach(function (player, index) {
      data.push(player.playhead_s);
      series.push({ label: player.player + ": playhead", stroke: lineColour(index), width: 1.8, points: { show: false }, value: (u, value) => (value === null ? "" : value.toFixed(1) + " s") });
      data.push(player.buffer_s);
      series.push({ label: player.player + ": buffer", stroke: lineColour(index), width: 1, dash: [5, 4], points: { show: false }, value: (u, value) => (value === null ? "" : value.toFixed(1) + " s") });
    });
    data.push(answer.rate_bps.map((rate) => rate / 1e6));
    series.push({ label: "arrival (Mbit/s)", scale: "rate", stroke: lineColour(4), width: 1, points: { show: false }, value: (u, value) => (value === null ? "" : value.toFixed(2)) });
    const spans = [].concat(...answer.players.map((player) => player.stalls));
    chart.counts(answer.players.map((player) => player.player + ": " + (player.startup_delay_s === null ? "not started" : "started after " + player.startup_delay_s.toFixed(2) + " s, " + player.stall_count + (player.stall_count === 1 ? " stall" : " stalls"))).join("; "));
    chart.range = [answer.t_s[0], answer.t_s[answer.t_s.length - 1]];
    const made = axes({ x: { values: (u, splits) => splits.map((v) => v + " s") }, y: { label: "seconds of media", labelFont: "12px system-ui, sans-serif" } });
    made.push(Object.assign({}, made[1], { scale: "rate", side: 1, grid: { show: false }, label: "Mbit/s" }));
    chart.plot({ scales: { x: { time: false, range: (u, min, max) => [min, max] }, rate: { range: (u, min, max) => [0, (max || 1) * 1.1] } }, series: series, axes: made, plugins: [moving(chart), shading(spans)] }, data, chart.range);
    chart.fill(["Time (s)", "Bytes", "Mbit/s", "Media (s)"].concat(...answer.players.map((player) => [player.player + " playhead (s)", player.player + " buffer (s)"])),
      answer.t_s.map((at, position) => [at.toFixed(2), answer.received_bytes[position], (answer.rate_bps[position] / 1e6).toFixed(2), written(answer.media_s[position], 2)].concat(...answer.players.map((player) => [player.playhead_s[position].toFixed(2), written(player.buffer_s[position], 2)]))));
  }

  const DRAW = { series: drawSeries, cdf: (chart, answer) => drawCurves(chart, answer, false), ccdf: (chart, answer) => drawCurves(chart, answer, true),
    scatter: drawScatter, heatmap: drawHeat, failures: drawFailures, causes: drawCauses, timeline: drawTimeline };

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.kind = figure.dataset.chart;
      this.area = figure.querySelector("[data-role=area]");
      this.u = this.canvas = this.range = this.answer = null;
      this.isZoomed = false;
      figure.addEventListener("click", (event) => { const act = event.target.dataset.act; if (act) this[act](event.target); });
    }
    async load() {
      try {
        const answer = await fetch(this.figure.dataset.src, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(30000) });
        const body = await answer.json();
        if (!answer.ok) return this.say(body.error);
        this.answer = body;
        this.draw();
      } catch (error) {
        this.say("The server does not answer.");
      }
    }
    draw() {
      if (!this.answer) return;
      const kept = this.isZoomed && this.u ? [this.u.scales.x.min, this.u.scales.x.max] : null;
      if (this.u) { this.u.destroy(); this.u = null; }
      DRAW[this.kind](this, this.answer);
      if (kept && this.u) this.u.setScale("x", { min: kept[0], max: kept[1] });
      this.figure.dataset.drawn = "yes";
    }
    plot(options, data, range) {
      this.area.replaceChildren();
      this.u = new uPlot(Object.assign({ width: Math.max(240, this.area.clientWidth), height: 250, legend: { live: true } }, options), data, this.area);
      this.u.setScale("x", { min: range[0], max: range[1] });
    }
    say(text) {
      if (this.u) { this.u.destroy(); this.u = null; }
      this.area.replaceChildren(element("p", text, { class: "error" }));
      this.figure.dataset.drawn = "empty";
    }
    counts(text) { const holder = this.figure.querySelector("[data-role=counts]"); if (holder) holder.textContent = text + "."; }
    tool(name, isShown) { const button = this.figure.querySelector("[data-act=" + name + "]"); if (button) button.hidden = !isShown; }
    whole() { if (this.u) this.u.setScale("x", { min: this.range[0], max: this.range[1] }); }
    reset() { this.whole(); }
    keep() {
      const address = new URL(location.href);
      address.searchParams.delete("period");
      address.searchParams.set("from", String(Math.floor(this.u.scales.x.min)));
      address.searchParams.set("to", String(Math.ceil(this.u.scales.x.max)));
      location.assign(address);
    }
    fill(head, rows) { this.rows = [head, rows]; if (!this.figure.querySelector("[data-role=table]").hidden) this.showTable(); }
    table(button) {
      const holder = this.figure.querySelector("[data-role=table]");
      holder.hidden = !holder.hidden;
      button.setAttribute("aria-expanded", String(!holder.hidden));
      if (!holder.hidden) this.showTable();
    }
    showTable() {
      const holder = this.figure.querySelector("[data-role=table]"), table = element("table", null, { class: "rows" });
      if (!this.rows) return holder.replaceChildren(element("p", "Nothing to show."));
      const top = table.createTHead().insertRow();
      this.rows[0].forEach((word) => top.append(element("th", word, { scope: "col" })));
      const body = table.createTBody();
      this.rows[1].forEach(function (row) { const made = body.insertRow(); row.forEach((cell) => { const tableCell = made.insertCell(); tableCell.textContent = cell; tableCell.className = "figure"; }); });
      holder.tabIndex = 0;
      holder.replaceChildren(table);
    }
    png() {
      const from = this.u ? this.u.ctx.canvas : this.canvas;
      if (!from) return;
      const ratio = devicePixelRatio || 1, head = 30 * ratio, legend = 24 * ratio;
      const made = document.createElement("canvas");
      made.width = from.width; made.height = from.height + head + legend;
      const pen = made.getContext("2d");
      pen.fillStyle = colour("--raised"); pen.fillRect(0, 0, made.width, made.height);
      pen.fillStyle = colour("--ink"); pen.font = 14 * ratio + "px system-ui, sans-serif";
      pen.fillText(this.figure.querySelector("figcaption h2").textContent, 8 * ratio, 20 * ratio);
      pen.drawImage(from, 0, head);
      let x = 8 * ratio;
      pen.font = 11 * ratio + "px system-ui, sans-serif";
      (this.u ? this.u.series.slice(1) : []).forEach(function (line) {
        const stroke = typeof line.stroke === "function" ? line.stroke() : line.stroke;
        if (!line.label || stroke === "transparent") return;
        pen.fillStyle = stroke || colour("--ink"); pen.fillRect(x, made.height - 16 * ratio, 10 * ratio, 10 * ratio);
        pen.fillStyle = colour("--ink"); pen.fillText(line.label, x + 14 * ratio, made.height - 7 * ratio);
        x += pen.measureText(line.label).width + 30 * ratio;
      });
      made.toBlob(function (blob) {
        const link = element("a", null, { href: URL.createObjectURL(blob), download: "chart.png" });
        document.body.append(link); link.click(); link.remove();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      });
    }
  }

  let turn = Promise.resolve();
  let first = null;
  /* Wait for the first chart; where none comes into view, for half a second. */
  async function firstDrawn() {
    for (let tries = 0; !first && tries < 10; tries += 1) await new Promise((done) => setTimeout(done, 50));
    await first;
  }
  function start() {
    const watcher = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting || drawn.has(entry.target)) return;
        const chart = new Chart(entry.target);
        drawn.set(entry.target, chart);
        /* One after the other: asked for all at once, the first would be there last. */
        turn = turn.then(() => chart.load());
        if (!first) first = turn;
      });
    }, { rootMargin: "200px" });
    document.querySelectorAll("figure[data-chart]").forEach((figure) => watcher.observe(figure));
    let timer = 0;
    addEventListener("resize", function () { clearTimeout(timer); timer = setTimeout(redraw, 150); });
  }
  function redraw() { drawn.forEach((chart) => chart.draw()); }
  function reload() { drawn.forEach((chart) => chart.load()); }

  window.pytomoCharts = { redraw: redraw, reload: reload, firstDrawn: firstDrawn };
  document.addEventListener("DOMContentLoaded", start);
})();
