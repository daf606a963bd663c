"use strict";
/* Draws every figure[data-chart] from the JSON that its data-src gives. No text from a database ever becomes HTML. */
(function () {
  const { colour, element } = window.pytomoParts;
  const charts = new Map();
  const REST_MS = 900;  // after the last key or wheel, the page takes the range over
  const OVER_TIME = new Set(["faults", "series", "failures"]);

  /* Shift-drag moves, plus and minus zoom, arrows move, 0 shows everything; in a zoomed chart the wheel moves. A range of
     time that was chosen becomes the page's period: all of its figures are of it, and its address keeps it. */
  function moving(chart) {
    let timer = 0;
    function settle(u) {
      if (!OVER_TIME.has(chart.kind)) return;
      clearTimeout(timer);
      timer = setTimeout(() => takePeriod(u.scales.x.min, u.scales.x.max), REST_MS);
    }
    function set(u, min, max) {
      u.setScale("x", { min: min, max: max });
      settle(u);
    }
    function shift(u, part) {
      const width = u.scales.x.max - u.scales.x.min;
      set(u, u.scales.x.min + part * width, u.scales.x.max + part * width);
    }
    function zoom(u, factor) {
      const low = u.scales.x.min, high = u.scales.x.max;
      if (u.scales.x.distr === 3) {
        const middle = Math.sqrt(low * high), half = Math.sqrt(high / low) ** factor;
        return set(u, middle / half, middle * half);
      }
      const middle = (high + low) / 2, half = ((high - low) * factor) / 2;
      set(u, middle - half, middle + half);
    }
    function drag(u, event) {
      event.stopImmediatePropagation();
      const from = event.clientX, min = u.scales.x.min, max = u.scales.x.max;
      const scale = (max - min) / u.over.clientWidth;
      function move(at) { const by = (from - at.clientX) * scale; u.setScale("x", { min: min + by, max: max + by }); }
      function end() {
        document.removeEventListener("mousemove", move);
        document.removeEventListener("mouseup", end);
        settle(u);
      }
      document.addEventListener("mousemove", move);
      document.addEventListener("mouseup", end);
    }
    chart.zoomOut = () => chart.u && zoom(chart.u, 2);
    return {
      hooks: {
        ready: [function (u) {
          u.over.addEventListener("wheel", function (event) {
            if (!chart.isZoomed) return;
            event.preventDefault();
            shift(u, Math.sign(event.deltaX || event.deltaY) * 0.1);
          }, { passive: false });
          u.over.addEventListener("mousedown", (event) => event.shiftKey && drag(u, event), true);
          u.over.addEventListener("dblclick", () => OVER_TIME.has(chart.kind) && wholePeriod());
          chart.area.onkeydown = function (event) {
            const acts = { "+": () => zoom(u, 0.5), "=": () => zoom(u, 0.5), "-": () => zoom(u, 2),
              ArrowLeft: () => shift(u, -0.2), ArrowRight: () => shift(u, 0.2), 0: () => (OVER_TIME.has(chart.kind) ? wholePeriod() : chart.reset()) };
            if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
            event.preventDefault();
            acts[event.key]();
          };
        }],
        setSelect: [function (u) {
          if (!OVER_TIME.has(chart.kind) || u.select.width < 3) return;
          takePeriod(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
        }],
        setScale: [function (u, key) {
          if (key !== "x" || !chart.range) return;
          const span = chart.range[1] - chart.range[0];
          chart.isZoomed = Math.abs(u.scales.x.min - chart.range[0]) + Math.abs(u.scales.x.max - chart.range[1]) > span * 1e-6;
          chart.tool("reset", chart.isZoomed);
        }],
      },
    };
  }

  /* Go to the same page of another period, at the same place of it. */
  function goTo(change) {
    const address = new URL(location.href);
    ["period", "from", "to"].forEach((name) => address.searchParams.delete(name));
    for (const name in change) address.searchParams.set(name, change[name]);
    try { sessionStorage.setItem("pytomo-place", JSON.stringify([address.pathname, scrollY])); } catch (error) { /* private mode: from the top */ }
    location.assign(address);
  }
  function takePeriod(min, max) {
    const from = Math.max(0, Math.floor(min)), to = Math.min(4102444800, Math.max(Math.ceil(max), from + 2));
    const stamp = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19).replace(/:00$/, "");
    goTo({ from: stamp(from), to: stamp(to) });
  }
  function wholePeriod() { goTo({ period: "all" }); }
  function returnToPlace() {
    try {
      const kept = JSON.parse(sessionStorage.getItem("pytomo-place"));
      sessionStorage.removeItem("pytomo-place");
      if (kept && kept[0] === location.pathname) scrollTo(0, kept[1]);
    } catch (error) { /* private mode: from the top */ }
  }

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
        if (!answer.ok) return this.say(body.error, "error");
        this.answer = body;
        this.draw();
      } catch (error) {
        this.say("The server does not answer.", "error");
      }
    }
    draw() {
      if (!this.answer) return;
      const kept = this.isZoomed && this.u ? [this.u.scales.x.min, this.u.scales.x.max] : null;
      if (this.u) { this.u.destroy(); this.u = null; }
      this.figure.dataset.drawn = "yes";
      window.pytomoKinds[this.kind](this, this.answer);
      if (kept && this.u) this.u.setScale("x", { min: kept[0], max: kept[1] });
    }
    plot(options, data, range) {
      this.area.replaceChildren();
      const plugins = [moving(this)].concat(options.plugins || []);
      const made = { tzDate: window.pytomoParts.onClock, width: Math.max(240, this.area.clientWidth), height: 270,
        // To the right, where the last time of the axis goes beyond it.
        padding: [null, 28, null, null], legend: window.pytomoParts.legend() };
      this.u = new uPlot(Object.assign(made, options, { plugins: plugins }), data, this.area);
      this.u.setScale("x", { min: range[0], max: range[1] });
    }
    /* In place of a chart: there is nothing to draw, or (with a kind of "error") it could not be fetched. */
    say(text, kind) {
      if (this.u) { this.u.destroy(); this.u = null; }
      this.area.replaceChildren(element("p", text, { class: kind || "nothing" }));
      this.figure.dataset.drawn = "empty";
    }
    counts(text) { const holder = this.figure.querySelector("[data-role=counts]"); if (holder) holder.textContent = text + "."; }
    tool(name, isShown) { const button = this.figure.querySelector("[data-act=" + name + "]"); if (button) button.hidden = !isShown; }
    reset() { if (this.u) this.u.setScale("x", { min: this.range[0], max: this.range[1] }); }
    out() { this.zoomOut(); }
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
        if (!line.label) return;
        pen.fillStyle = line.key || stroke || colour("--ink"); pen.fillRect(x, made.height - 16 * ratio, 10 * ratio, 10 * ratio);
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

  /* One after the other: asked for all at once, the first would be there last. What is in view comes first, and the rest
     follows, so that a print or a picture of the whole page is complete. */
  const waiting = new Set(), seen = new Set();
  let first = null, isBusy = false;
  async function work() {
    if (isBusy) return;
    isBusy = true;
    while (waiting.size) {
      const next = Array.from(waiting).find((figure) => seen.has(figure)) || waiting.values().next().value;
      waiting.delete(next);
      const loading = charts.get(next).load();
      if (!first) first = loading;
      await loading;
    }
    isBusy = false;
  }
  /* Wait for the first chart; where there is none, not at all. */
  async function firstDrawn() {
    for (let tries = 0; !first && charts.size && tries < 10; tries += 1) await new Promise((done) => setTimeout(done, 50));
    await first;
  }
  function start() {
    const watcher = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting) seen.add(entry.target); else seen.delete(entry.target);
      });
      work();
    }, { rootMargin: "200px" });
    document.querySelectorAll("figure[data-chart]").forEach(function (figure) {
      charts.set(figure, new Chart(figure));
      waiting.add(figure);
      watcher.observe(figure);
    });
    returnToPlace();
    let timer = 0;
    addEventListener("resize", function () { clearTimeout(timer); timer = setTimeout(redraw, 150); });
    printInLight();
  }
  /* Paper is white: what is printed is drawn in the light colours. */
  function printInLight() {
    const root = document.documentElement;
    let chosen = null, isPrinting = false;
    addEventListener("beforeprint", function () {
      isPrinting = true;
      chosen = root.getAttribute("data-theme");
      root.setAttribute("data-theme", "light");
      redraw();
    });
    addEventListener("afterprint", function () {
      if (!isPrinting) return;
      isPrinting = false;
      if (chosen === null) root.removeAttribute("data-theme"); else root.setAttribute("data-theme", chosen);
      redraw();
    });
  }
  function redraw() { charts.forEach((chart) => chart.draw()); }
  function reload() { charts.forEach((_, figure) => waiting.add(figure)); work(); }

  window.pytomoCharts = { redraw: redraw, reload: reload, firstDrawn: firstDrawn };
  document.addEventListener("DOMContentLoaded", start);
})();
