"use strict";
/* Charts of bars: failures over time, stacked by whose fault they are, and the hours of a typical day. */
(function () {
  const charts = window.pytomoCharts, tools = charts.tools;
  const FAULTS = { network: "--worse", service: "--s4", content: "--s7", tool: "--s3", unknown: "--line" };
  const percent = (value) => (value === null || value === undefined ? "" : value.toFixed(1) + " %");

  /* A bar of a stack reaches from the ground to the top of all below it, so that the highest is drawn first. */
  function drawFaults(chart, answer) {
    const names = Object.keys(answer.faults);
    if (!names.length) return chart.say("No failure in this period.");
    const shares = names.map((name) => answer.faults[name].map((count, at) => (100 * count) / answer.row_counts[at]));
    const tops = shares.map((_, index) => answer.times_s.map((_, at) => shares.slice(0, index + 1).reduce((sum, own) => sum + own[at], 0)));
    const bars = uPlot.paths.bars({ size: [0.8, 60], align: 1 });
    const series = [{ value: (u, at) => (at === null ? "" : tools.utc(at)) }], data = [answer.times_s];
    names.map((name, index) => index).reverse().forEach(function (index) {
      const fill = tools.colour(FAULTS[names[index]] || "--line");
      data.push(tops[index]);
      series.push({ label: names[index], stroke: fill, fill: fill, width: 0, paths: bars, points: { show: false },
        value: (u, value, _, at) => (at === null || at === undefined ? "" : percent(shares[index][at])) });
    });
    const first = answer.times_s[0], last = answer.times_s[answer.times_s.length - 1];
    chart.range = [first, last + answer.width_s];
    const failed = names.reduce((sum, name) => sum + answer.faults[name].reduce((all, count) => all + count, 0), 0);
    chart.counts(tools.written(failed, 0) + " of " + tools.written(answer.n, 0) + " measurements failed");
    chart.plot({ tzDate: tools.asUtc, scales: { x: { time: true, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => [0, Math.max(max || 0, 1) * 1.05] } },
      series: series, axes: tools.axes({ x: { values: tools.dates }, y: { values: (u, splits) => splits.map((split) => split + " %") } }), plugins: [tools.moving(chart)] }, data, chart.range);
    const classes = Object.keys(answer.counts);
    chart.fill(["From (UTC)", "rows"].concat(names, classes.map((name) => name.replace(/_/g, " "))),
      answer.times_s.map((start, at) => [tools.utc(start), answer.row_counts[at]].concat(names.map((name) => answer.faults[name][at]), classes.map((name) => answer.counts[name][at]))));
  }

  /* Thin lines over the bars: how sure each share is. */
  function whiskers(hours) {
    return { hooks: { draw: [function (u) {
      const pen = u.ctx;
      pen.save();
      pen.strokeStyle = tools.colour("--ink");
      pen.lineWidth = devicePixelRatio;
      hours.forEach(function (hour) {
        if (hour.low === null) return;
        const x = Math.round(u.valToPos(hour.hour, "x", true));
        pen.beginPath(); pen.moveTo(x, u.valToPos(100 * hour.low, "y", true)); pen.lineTo(x, u.valToPos(100 * hour.high, "y", true)); pen.stroke();
      });
      pen.restore();
    }] } };
  }
  function drawDay(chart, answer) {
    if (!answer.n) return chart.say("No session in this period.");
    const hours = answer.hours, written = tools.written;
    const most = Math.max(1, ...hours.map((hour) => 100 * (hour.high === null ? hour.bad_share || 0 : hour.high)));
    chart.range = [-0.6, 23.6];
    chart.counts(written(answer.bad_count, 0) + " bad of " + written(answer.n, 0) + " sessions" + (answer.note ? ". " + answer.note.replace(/\.$/, "") : ""));
    const startup = hours.map((hour) => hour.startup_median_s);
    chart.plot({ scales: { x: { time: false, range: (u, min, max) => [min, max] }, y: { range: () => [0, most * 1.05] }, s: { range: (u, min, max) => [0, (max || 1) * 1.1] } },
      series: [{ label: "hour", value: (u, value) => (value === null ? "" : value + " h") },
        { label: "bad", stroke: tools.lineColour(0), fill: tools.colour("--band"), width: 1, paths: uPlot.paths.bars({ size: [0.8, 60] }), points: { show: false },
          value: (u, value, _, at) => (at === null || at === undefined || value === null ? "" : percent(value) + " (n " + written(hours[at].session_count, 0) + ")") },
        { label: "median startup", scale: "s", stroke: tools.lineColour(1), width: 1.8, points: { show: true, size: 5 }, value: (u, value) => (value === null || value === undefined ? "" : value.toFixed(2) + " s") }],
      axes: tools.axes({ x: { values: (u, splits) => splits.map((split) => split + " h"), space: 40 }, y: { values: (u, splits) => splits.map((split) => split + " %") } })
        .concat([{ scale: "s", side: 1, size: 50, stroke: tools.colour("--soft"), font: "12px system-ui, sans-serif", grid: { show: false }, values: (u, splits) => splits.map((split) => split + " s") }]),
      plugins: [tools.moving(chart), whiskers(hours)] },
    [hours.map((hour) => hour.hour), hours.map((hour) => (hour.bad_share === null ? null : 100 * hour.bad_share)), startup], chart.range);
    chart.fill(["Hour (local)", "sessions", "bad", "bad (%)", "95 % from", "to", "median startup (s)"], hours.map((hour) => [hour.hour + " h", hour.session_count, hour.bad_count,
      written(hour.bad_share === null ? null : 100 * hour.bad_share, 1), written(hour.low === null ? null : 100 * hour.low, 1), written(hour.high === null ? null : 100 * hour.high, 1), written(hour.startup_median_s, 2)]));
  }
  charts.kinds.failures = drawFaults;
  charts.kinds.day = drawDay;
})();
