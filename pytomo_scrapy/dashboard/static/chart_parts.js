"use strict";
/* What every chart is drawn with: words, colours, axes, ticks, and what is laid over the lines. */
(function () {
  const FONT = "12px system-ui, sans-serif";
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY = 86400, MONTH = 30 * DAY, YEAR = 365 * DAY;
  /* Steps of a time axis. None below a second: measurements start at whole ones. */
  const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 28800, 43200,
    DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 10 * DAY, 15 * DAY, MONTH, 2 * MONTH, 3 * MONTH, 6 * MONTH, YEAR, 2 * YEAR];

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
  /* As `number` of items/in_words.py: what is not 0 does not read as 0, and milliseconds below 1 have two decimals. */
  function written(value, decimals, unit) {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    if (unit === "ms") decimals = size >= 100 ? 0 : size > 0 && size < 1 ? Math.max(decimals, 2) : decimals;
    if (decimals && size > 0 && size < 0.5 * Math.pow(10, -decimals)) decimals = Math.min(6, -Math.floor(Math.log10(size)));
    return value.toLocaleString("en", { maximumFractionDigits: decimals, minimumFractionDigits: Math.min(decimals, 2) }).replace(/,/g, "\u202f");
  }
  function compact(value) {
    if (value === null) return "";
    const size = Math.abs(value);
    if (size >= 1e4 || (size < 1e-3 && size > 0)) return value.toExponential(1).replace("e+", "e");
    return String(Number(value.toPrecision(4)));
  }
  function percent(share) { return compact(100 * share) + " %"; }

  /* Times: UTC, or beside it the zone of this browser where the reader chose so. */
  function isLocal() {
    try { return localStorage.getItem("pytomo-time") === "local"; } catch (error) { return false; }
  }
  function zone() { return Intl.DateTimeFormat().resolvedOptions().timeZone || "local time"; }
  function utc(seconds) {
    return new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  }
  function two(number) { return String(number).padStart(2, "0"); }
  function local(seconds) {
    const at = new Date(seconds * 1000);
    return at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate()) + " " + two(at.getHours()) + ":" + two(at.getMinutes());
  }
  function instant(seconds) {
    return utc(seconds) + " UTC" + (isLocal() ? ", " + local(seconds) + " " + zone() : "");
  }
  function onClock(seconds) {
    const at = new Date(seconds * 1000);
    return isLocal() ? at : uPlot.tzDate(at, "Etc/UTC");
  }

  function dates(u, splits, axis, space, step) {
    let before = null;
    return splits.map(function (at) {
      if (at === null) return "";
      const when = onClock(at), day = when.getDate() + " " + MONTHS[when.getMonth()];
      const isNew = day !== before;
      before = day;
      if (step >= DAY) return step >= 60 * DAY ? day + "\n" + when.getFullYear() : day;
      const clock = two(when.getHours()) + ":" + two(when.getMinutes()) + (step < 60 ? ":" + two(when.getSeconds()) : "");
      return clock + (isNew ? "\n" + day : "");
    });
  }

  /* Ticks of a logarithmic axis: 1, 2 and 5 of each decade where they fit, else whole decades; between two, plain steps. */
  function logTicks(low, high, most) {
    for (const leads of [[1, 2, 5], [1, 3], [1]]) {
      const found = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
        leads.forEach(function (lead) {
          const at = Number((lead * 10 ** power).toPrecision(3));
          if (at >= low * 0.9999 && at <= high * 1.0001) found.push(at);
        });
      }
      if (leads.length === 3 && found.length < 3) return plainTicks(low, high);
      if (found.length <= most) return found;
    }
    const first = Math.ceil(Math.log10(low)), last = Math.floor(Math.log10(high)), step = Math.ceil((last - first + 1) / most);
    return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => 10 ** (first + index * step));
  }
  function plainTicks(low, high) {
    const raw = (high - low) / 5, size = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((lead) => lead * size).find((each) => each >= raw), found = [];
    for (let at = Math.ceil(low / step) * step; at <= high * 1.0001; at += step) found.push(Number(at.toPrecision(6)));
    return found;
  }
  /* The range of a logarithmic axis, widened to ticks on both sides. */
  function logRange(low, high) {
    const leads = [1, 2, 5, 10], down = 10 ** Math.floor(Math.log10(low)), up = 10 ** Math.floor(Math.log10(high));
    const from = leads.slice().reverse().find((lead) => lead * down <= low * 1.0001) * down;
    const to = leads.find((lead) => lead * up >= high * 0.9999) * up;
    return to > from ? [from, to] : [from / 2, to * 2];
  }

  function axis(options, side) {
    const grid = { stroke: colour("--grid"), width: 1 };
    const made = { stroke: colour("--soft"), grid: grid, ticks: grid, font: FONT, labelFont: FONT, labelGap: 2, labelSize: 20 };
    const words = options.words || compact;
    made.values = (u, splits) => splits.map((split) => (split === null ? "" : words(split)));
    if (options.isLog) {
      const room = side === "x" ? 50 : 26;
      made.splits = (u, index, low, high) => logTicks(low, high, Math.max(3, Math.floor(u.bbox[side === "x" ? "width" : "height"] / devicePixelRatio / room)));
      made.filter = (u, splits) => splits;
    }
    if (options.isTime) Object.assign(made, { values: dates, incrs: TIME_STEPS, space: 70 });
    made.size = side === "y" ? 58 : options.isTime ? 46 : 30;
    if (options.title) made.label = options.title;
    return Object.assign(made, options.more);
  }
  /* Every axis has a title; time says whose clock it is. */
  function axes(x, y) {
    return [axis(x, "x"), axis(y, "y")];
  }
  function timeAxis() { return { isTime: true, title: "time (" + (isLocal() ? zone() : "UTC") + ")" }; }
  /* Beside a chart there is room for so many letters; its heading says the rest. */
  function besideOf(figure) {
    const title = unitOf(figure);
    return title.length <= 34 || !figure.unit ? title : figure.unit;
  }
  function unitOf(figure) { return figure.title + (figure.unit ? " (" + figure.unit + ")" : ""); }

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
        pen.fillText(text, x + (isRight ? -6 : 6) * devicePixelRatio, u.bbox.top + (12 + 14 * (drawn.size % 4)) * devicePixelRatio);
        drawn.add(text);
      });
      pen.restore();
    }] } };
  }

  /* Nearer to each other than 9 pixels, points would hide their line. */
  function hasRoom(u, count) {
    return u.over.clientWidth > 9 * count;
  }

  /* The places of points of many rows; where there is no room for all, of those alone that no line leads to. */
  function pointsOf(values, counts, few, hasRoom) {
    const isAbsent = (at) => values[at] === null || values[at] === undefined;
    return values.map((_, at) => at).filter((at) => !isAbsent(at) && counts[at] >= few && (hasRoom || (isAbsent(at - 1) && isAbsent(at + 1))));
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

  /* Spans of time behind the lines, each in its colour with its word at the top, on a line of its own for each word. */
  function shading(spans) {
    const words = Array.from(new Set(spans.map((span) => span.word)));
    return { hooks: { drawClear: [function (u) {
      const pen = u.ctx, seen = new Set();
      pen.save();
      pen.font = Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
      spans.forEach(function (span) {
        const from = u.valToPos(Math.max(span.from, u.scales.x.min), "x", true);
        const to = u.valToPos(Math.min(span.to, u.scales.x.max), "x", true);
        if (to <= from) return;
        pen.globalAlpha = 0.16;
        pen.fillStyle = span.colour;
        pen.fillRect(from, u.bbox.top, to - from, u.bbox.height);
        if (seen.has(span.word)) return;
        seen.add(span.word);
        pen.globalAlpha = 1;
        const isRight = from > u.bbox.left + u.bbox.width * 0.7;
        pen.textAlign = isRight ? "right" : "left";
        pen.fillText(span.word, (isRight ? to : from) + (isRight ? -4 : 4), u.bbox.top + (13 + 14 * words.indexOf(span.word)) * devicePixelRatio);
      });
      pen.restore();
    }] } };
  }

  /* Marks of the legend as their lines look: full, dashed, or a band. */
  function legend() {
    const stroke = (u, index) => { const line = u.series[index]; return line.key || (typeof line.stroke === "function" ? line.stroke(u, index) : line.stroke); };
    const isDashed = (u, index) => Boolean(u.series[index].dash);
    return { live: true, markers: { width: (u, index) => (isDashed(u, index) ? 2 : 0), dash: () => "dashed", stroke: stroke, fill: (u, index) => (isDashed(u, index) ? "transparent" : stroke(u, index)) } };
  }

  window.pytomoParts = { axes: axes, axis: axis, breakLines: breakLines, colour: colour, compact: compact, element: element, faintPoints: faintPoints, hasRoom: hasRoom,
    instant: instant, isLocal: isLocal, legend: legend, lineColour: lineColour, local: local, logRange: logRange, logTicks: logTicks, onClock: onClock, percent: percent, pointsOf: pointsOf,
    besideOf: besideOf, shading: shading, timeAxis: timeAxis, unitOf: unitOf, utc: utc, written: written, zone: zone };
})();
