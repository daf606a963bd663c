"use strict";
/* Charts of bars: failures over time, stacked by whose fault they are, and the hours of a typical day. */
(function () {
  const parts = window.pytomoParts, written = parts.written;
  const FAULTS = { network: "--worse", service: "--s4", content: "--s7", tool: "--s3", unknown: "--line" };
  const share = (value) => (value === null || value === undefined ? null : 100 * value);
  const percent = (value) => (value === null || value === undefined ? "" : value.toFixed(1) + " %");

  /* A bar of a stack reaches from the ground to the top of all below it, so that the highest is drawn first. */
  function drawFaults(chart, answer) {
    const names = Object.keys(answer.faults);
    if (!names.length) return chart.say("No failure in this period.");
    const shares = names.map((name) => answer.faults[name].map((count, at) => (100 * count) / answer.row_counts[at]));
    const data = [answer.times_s], series = [{ label: "time", value: (u, at) => (at === null ? "" : parts.instant(at)) }];
    names.map((_, place) => place).reverse().forEach(function (place) {
      const name = names[place], fill = parts.colour(FAULTS[name] || "--line");
      data.push(answer.times_s.map((_, at) => shares.slice(0, place + 1).reduce((sum, own) => sum + own[at], 0)));
      series.push({ label: name, stroke: fill, fill: fill, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.92, 90], align: 1 }),
        value: (u, value, _, at) => (value === null || at === null || at === undefined ? "" : percent(shares[place][at]) + " (" + answer.faults[name][at] + " of " + answer.row_counts[at] + ")") });
    });
    const failed = names.reduce((sum, name) => sum + answer.faults[name].reduce((all, count) => all + count, 0), 0);
    chart.range = [answer.times_s[0], answer.times_s[answer.times_s.length - 1] + answer.width_s];
    chart.counts(written(failed, 0) + " of " + written(answer.n, 0) + " measurements failed");
    chart.plot({ scales: { x: { time: true, range: (u, min, max) => [min, max] }, y: { range: (u, min, max) => [0, Math.min(100, (max || 1) * 1.08)] } }, series: series,
      axes: parts.axes(parts.timeAxis(), { title: "share of the measurements (%)" }), cursor: { drag: { x: true, y: false, setScale: false } } }, data, chart.range);
    chart.fill(["From (UTC)", "rows"].concat(names), answer.times_s.map((start, at) => [parts.utc(start), answer.row_counts[at]].concat(names.map((name) => answer.faults[name][at]))));
  }

  /* Thin lines over the bars: how sure each share is. */
  function whiskers(hours) {
    return { hooks: { draw: [function (u) {
      const pen = u.ctx;
      pen.save();
      pen.strokeStyle = parts.colour("--ink");
      pen.lineWidth = devicePixelRatio;
      hours.forEach(function (hour) {
        if (hour.low === null) return;
        const x = Math.round(u.valToPos(hour.hour, "x", true));
        pen.beginPath(); pen.moveTo(x, u.valToPos(share(hour.low), "y", true)); pen.lineTo(x, u.valToPos(share(hour.high), "y", true)); pen.stroke();
      });
      pen.restore();
    }] } };
  }
  function drawDay(chart, answer) {
    if (!answer.n) return chart.say("No session in this period.");
    const hours = answer.hours;
    const most = Math.max(1, ...hours.map((hour) => share(hour.high === null ? hour.bad_share || 0 : hour.high)));
    const data = [hours.map((hour) => hour.hour), hours.map((hour) => share(hour.bad_share)), hours.map((hour) => hour.startup_median_s)];
    const series = [{ label: "hour", value: (u, value) => (value === null ? "" : value + " h") },
      { label: "bad sessions", stroke: parts.lineColour(0), fill: parts.colour("--band"), width: 1, paths: uPlot.paths.bars({ size: [0.8, 60] }), points: { show: false },
        value: (u, value, _, at) => (value === null || at === null || at === undefined ? "" : percent(value) + " (n " + written(hours[at].session_count, 0) + ")") },
      { label: "startup, median (right axis)", scale: "s", stroke: parts.lineColour(1), width: 1.8, points: { show: true, size: 5 }, value: (u, value) => (value === null || value === undefined ? "" : value.toFixed(2) + " s") }];
    const made = parts.axes({ title: "hour of the day where the line is", words: (at) => at + " h", more: { incrs: [1, 2, 3, 4, 6] } }, { title: "bad sessions (%)" });
    made.push(parts.axis({ title: "startup (s)", more: { scale: "s", side: 1, size: 58, grid: { show: false } } }, "y"));
    chart.range = [-0.6, 23.6];
    chart.counts(written(answer.bad_count, 0) + " bad of " + written(answer.n, 0) + " sessions" + (answer.note ? ". " + answer.note.replace(/\.$/, "") : ""));
    chart.plot({ scales: { x: { time: false, range: (u, min, max) => [min, max] }, y: { range: () => [0, most * 1.05] }, s: { range: (u, min, max) => [0, (max || 1) * 1.1] } },
      series: series, axes: made, plugins: [whiskers(hours)] }, data, chart.range);
    chart.fill(["Hour (local)", "sessions", "bad", "bad (%)", "95 % from", "to", "startup, median (s)"], hours.map((hour) => [hour.hour + " h", hour.session_count, hour.bad_count,
      written(share(hour.bad_share), 1), written(share(hour.low), 1), written(share(hour.high), 1), written(hour.startup_median_s, 2)]));
  }
  Object.assign(window.pytomoKinds, { faults: drawFaults, day: drawDay });
})();
