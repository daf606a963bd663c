"use strict";
/* One function for each kind of chart: from the JSON of the page's API to lines, legend, axes and the table of values. */
(function () {
  const parts = window.pytomoParts;
  const { axes, axis, colour, compact, element, lineColour, percent, timeAxis, unitOf, utc, written } = parts;
  const readInstant = (u, at) => (at === null ? "" : parts.instant(at));

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
    const shown = withGaps(answer), parameter = answer.parameter, data = [shown.times], bands = [];
    const series = [{ label: "time", value: readInstant }];
    const unit = parameter.unit ? " " + parameter.unit : "";
    const isOne = answer.lines.length === 1;
    answer.lines.forEach(function (line, index) {
      const counts = shown.lines[index].count;
      data.push(shown.lines[index].value);
      series.push({ label: isOne ? (parameter.is_censored ? "median" : "mean") : line.label, stroke: lineColour(index), width: 1.6, spanGaps: answer.times_s.length < 200,
        points: { show: (u) => parts.hasRoom(u, answer.times_s.length), size: 5, filter: (u, place, hasRoom) => parts.pointsOf(u.data[place], counts, answer.few_rows, hasRoom) },
        value: (u, value, _, at) => (value === null || at === null ? "" : written(value, answer.decimals, answer.parameter.unit) + unit + " (n " + written(counts[at], 0) + ")") });
    });
    if (isOne) {
      const low = shown.lines[0].low, high = shown.lines[0].high;
      data.push(low, high);
      const word = parameter.is_flag ? "95 % interval" : "10 % to 90 % of the sessions";
      series.push({ label: word, key: colour("--band-key"), stroke: "transparent", points: { show: false },
        value: (u, value, _, at) => (value === null || at === null ? "" : written(low[at], answer.decimals, answer.parameter.unit) + " to " + written(high[at], answer.decimals, answer.parameter.unit) + unit) });
      series.push({ label: "", class: "unnamed", stroke: "transparent", points: { show: false }, value: () => "" });
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
      scales: { x: { time: true, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => uPlot.rangeNum(Math.min(0, min || 0), max || 1, 0.08, true) } },
      series: series, bands: bands, axes: axes(timeAxis(), { title: parts.besideOf(parameter) }), plugins: [parts.breakLines(answer.breaks), parts.faintPoints(shown.lines, answer.few_rows)],
      cursor: { sync: { key: "time" }, drag: { x: true, y: false, setScale: false } },
    }, data, chart.range);
    chart.fill(["From (UTC)"].concat(...answer.lines.map((each) => [each.label + (parameter.unit ? " (" + parameter.unit + ")" : ""), "n"])),
      answer.times_s.map((start, position) => [utc(start)].concat(...answer.lines.map((each) => [written(each.value[position], answer.decimals, answer.parameter.unit), each.count[position]]))));
  }

  function drawCurves(chart, answer, isTail) {
    const parameter = answer.parameter, all = new Set();
    answer.lines.forEach((line) => line.value.forEach((value) => { if (value > 0) all.add(value); }));
    const xs = Array.from(all).sort((a, b) => a - b);
    chart.counts(answer.lines.map((line) => line.label + ": n " + written(line.known_count, 0) + (line.censored_count ? " and " + written(line.censored_count, 0) + " censored" : "")).join("; "));
    if (!xs.length) return chart.say("No value above 0 in this period.");
    const data = [xs], series = [{ label: unitOf(parameter), value: (u, value) => (value === null ? "" : compact(value)) }];
    let least = 1;
    answer.lines.forEach(function (line, index) {
      let position = 0, share = null;
      data.push(xs.map(function (x) {
        while (position < line.value.length && line.value[position] <= x) share = line.share[position++];
        if (share === null) return isTail ? 1 : 0;
        const shown = isTail ? 1 - share : share;
        if (isTail && shown > 1e-9) least = Math.min(least, shown);
        return isTail && shown <= 1e-9 ? null : shown;
      }));
      series.push({ label: line.label, stroke: lineColour(index), width: 1.8, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), value: (u, value) => (value === null ? "" : (100 * value).toFixed(2) + " %") });
    });
    chart.range = parts.logRange(xs[0], xs[xs.length - 1]);
    const y = { title: isTail ? "sessions above the value" : "sessions up to the value", words: percent, isLog: isTail };
    chart.plot({ scales: { x: { time: false, distr: 3, range: (u, min, max) => [min, max] }, y: isTail ? { distr: 3, range: [parts.logRange(least, 1)[0], 1] } : { range: [0, 1] } }, series: series,
      axes: axes({ isLog: true, title: unitOf(parameter) }, y) }, data, chart.range);
    chart.fill(["Share"].concat(answer.lines.map((line) => line.label + (parameter.unit ? " (" + parameter.unit + ")" : ""))),
      [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99].map((share) => [(100 * share) + " %"].concat(answer.lines.map((line) => { const at = line.share.findIndex((s) => s >= share - 1e-9); return at < 0 ? "not reached" : written(line.value[at], answer.decimals, answer.parameter.unit); }))));
  }

  function drawScatter(chart, answer) {
    const order = answer.x_values.map((_, index) => index).sort((a, b) => answer.x_values[a] - answer.x_values[b]);
    const xs = order.map((index) => answer.x_values[index]), ys = order.map((index) => answer.y_values[index]);
    chart.counts(xs.length + " of " + written(answer.known_count, 0) + " measurements" + (xs.length < answer.known_count ? ", chosen evenly" : ""));
    if (!xs.length) return chart.say("No measurement has both values.");
    chart.range = [xs[0], xs[xs.length - 1] > xs[0] ? xs[xs.length - 1] : xs[0] + 1];
    chart.plot({ scales: { x: { time: false, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => uPlot.rangeNum(Math.min(0, min), max, 0.08, true) } },
      series: [{ label: unitOf(answer.x), value: (u, value) => (value === null ? "" : compact(value)) }, { label: unitOf(answer.y), stroke: lineColour(0), paths: () => null, points: { show: true, size: 4, width: 0, fill: lineColour(0) }, value: (u, value) => (value === null ? "" : compact(value)) }],
      axes: axes({ title: unitOf(answer.x) }, { title: parts.besideOf(answer.y) }) }, [xs, ys], chart.range);
    chart.u.over.addEventListener("click", function () {
      const position = chart.u.cursor.idx;
      if (position !== null && position !== undefined && !chart.isZoomed) location.assign("/measurement/" + answer.measurement_ids[order[position]] + keptDatabase());
    });
    chart.fill([unitOf(answer.x), unitOf(answer.y), "Measurement"], order.slice(0, 500).map((index) => [compact(answer.x_values[index]), compact(answer.y_values[index]), answer.measurement_ids[index]]));
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
    const span = written(low, answer.decimals, answer.parameter.unit) + " to " + written(high, answer.decimals, answer.parameter.unit);
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
    pen.fillText(span + (answer.parameter.unit ? " " + answer.parameter.unit : ""), left + 160, height - 15);
    chart.canvas = canvas;
    chart.counts(written(answer.count.reduce((sum, each) => sum + each, 0), 0) + " values; " + span + (answer.parameter.unit ? " " + answer.parameter.unit : ""));
    chart.fill(["Hour (UTC)"].concat(DAYS), Array.from({ length: 24 }, (_, hour) => [hour + " h"].concat(DAYS.map((_, day) => written(answer.value[day * 24 + hour], answer.decimals, answer.parameter.unit)))));
  }
  function mixed(share) {
    const from = rgb(colour("--heat-low")), to = rgb(colour("--heat-high"));
    return "rgb(" + from.map((channel, index) => Math.round(channel + (to[index] - channel) * share)).join(",") + ")";
  }
  function rgb(text) { return [1, 3, 5].map((position) => parseInt(text.slice(position, position + 2), 16)); }

  /* Stacked: two classes of the same share are both seen. The whole stack is drawn first, and each smaller one on it. */
  function drawFailures(chart, answer) {
    const names = Object.keys(answer.counts).slice(0, 8);
    if (!names.length) return chart.say(chart.figure.dataset.empty || "No failure in this period.");
    const shares = names.map((name) => answer.counts[name].map((count, at) => (100 * count) / answer.row_counts[at]));
    const data = [answer.times_s], series = [{ label: "time", value: readInstant }];
    names.slice().reverse().forEach(function (name, turn) {
      const place = names.length - 1 - turn;
      data.push(answer.times_s.map((_, at) => shares.slice(0, place + 1).reduce((sum, share) => sum + share[at], 0)));
      series.push({ label: name.replace(/_/g, " "), stroke: lineColour(place), fill: lineColour(place), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.92, 90], align: 1 }),
        value: (u, value, _, at) => (value === null || at === null ? "" : shares[place][at].toFixed(1) + " % (" + answer.counts[name][at] + " of " + answer.row_counts[at] + ")") });
    });
    chart.range = [answer.times_s[0], answer.times_s[answer.times_s.length - 1] + answer.width_s];
    chart.counts("In buckets of " + spoken(answer.width_s));
    chart.plot({ scales: { x: { time: true, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => [0, Math.min(100, (max || 1) * 1.08)] } }, series: series,
      axes: axes(timeAxis(), { title: "share of the measurements (%)" }), cursor: { drag: { x: true, y: false, setScale: false } } }, data, chart.range);
    chart.fill(["From (UTC)", "rows"].concat(names.map((name) => name.replace(/_/g, " "))), answer.times_s.map((start, position) => [utc(start), answer.row_counts[position]].concat(names.map((name) => answer.counts[name][position]))));
  }

  function drawTimeline(chart, answer) {
    const read = (u, value) => (value === null ? "" : value.toFixed(1) + " s"), quiet = { show: false };
    const data = [answer.t_s, answer.media_s], series = [{ label: "time", value: (u, value) => (value === null ? "" : value.toFixed(2) + " s") },
      { label: "media received", stroke: lineColour(7), width: 2, points: quiet, value: read }];
    const spans = [];
    answer.players.forEach(function (player, index) {
      const stroke = lineColour(index);
      data.push(player.playhead_s);
      series.push({ label: player.player + ": played", stroke: stroke, width: 1.8, points: quiet, value: read });
      data.push(player.buffer_s);
      series.push({ label: player.player + ": buffer", stroke: stroke, width: 1, dash: [5, 4], points: quiet, value: read });
      player.stalls.forEach((stall) => spans.push({ from: stall[0], to: stall[1], colour: stroke, word: player.player + " stalled" }));
    });
    data.push(answer.rate_bps.map((rate) => rate / 1e6));
    series.push({ label: "arrival (right axis)", scale: "rate", stroke: lineColour(4), width: 1, points: quiet, value: (u, value) => (value === null ? "" : value.toFixed(2) + " Mbit/s") });
    chart.counts(answer.players.map((player) => player.player + ": " + (player.startup_delay_s === null ? "not started" : "started after " + player.startup_delay_s.toFixed(2) + " s, " + player.stall_count + (player.stall_count === 1 ? " stall" : " stalls"))).join("; "));
    chart.range = [answer.t_s[0], answer.t_s[answer.t_s.length - 1]];
    const made = axes({ title: "seconds since the window began" }, { title: "seconds of media" });
    made.push(axis({ title: "Mbit/s", more: { scale: "rate", side: 1, size: 58, grid: { show: false } } }, "y"));
    chart.plot({ scales: { x: { time: false, range: (u, min, max) => [min, max] }, rate: { range: (u, min, max) => [0, (max || 1) * 1.1] } }, series: series, axes: made, plugins: [parts.shading(spans)] }, data, chart.range);
    chart.fill(["Time (s)", "Bytes", "Mbit/s", "Media (s)"].concat(...answer.players.map((player) => [player.player + " playhead (s)", player.player + " buffer (s)"])),
      answer.t_s.map((at, position) => [at.toFixed(2), answer.received_bytes[position], (answer.rate_bps[position] / 1e6).toFixed(2), written(answer.media_s[position], 2)].concat(...answer.players.map((player) => [player.playhead_s[position].toFixed(2), written(player.buffer_s[position], 2)]))));
  }

  window.pytomoKinds = { series: drawSeries, cdf: (chart, answer) => drawCurves(chart, answer, false), ccdf: (chart, answer) => drawCurves(chart, answer, true),
    scatter: drawScatter, heatmap: drawHeat, failures: drawFailures, timeline: drawTimeline };
})();
