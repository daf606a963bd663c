"use strict";
/* The theme switch, and what is live: the state of a running crawl is asked for every few seconds. */
(function () {
  const EVERY_MS = 3000;

  function isDark() {
    const chosen = document.documentElement.getAttribute("data-theme");
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function switchTheme() {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.setAttribute("data-theme", theme);
    try { localStorage.setItem("pytomo-theme", theme); } catch (error) { /* private mode: this page only */ }
    window.pytomoCharts.redraw();
  }

  /* Each instant of the page is UTC; who wants to sees the time of this browser beside it, in charts too. */
  function showClock() {
    const parts = window.pytomoParts, isLocal = parts.isLocal(), button = document.querySelector("[data-time-switch]");
    button.setAttribute("aria-pressed", String(isLocal));
    button.textContent = isLocal ? "UTC and local" : "UTC";
    document.querySelector("[data-role=clock]").textContent = isLocal ? "all times in UTC, those in brackets in " + parts.zone() : "all times in UTC";
    document.querySelectorAll("time[datetime]").forEach(function (mark) {
      const beside = mark.querySelector(".here");
      if (beside) beside.remove();
      if (isLocal) mark.append(parts.element("span", " (" + shortened(parts.local(Date.parse(mark.dateTime) / 1000), mark.textContent) + ")", { class: "here" }));
    });
  }
  /* On the same day the clock is enough. */
  function shortened(here, utc) { return here.slice(0, 10) === utc.slice(0, 10) ? here.slice(11) : here; }
  function switchClock() {
    try { localStorage.setItem("pytomo-time", window.pytomoParts.isLocal() ? "utc" : "local"); } catch (error) { /* private mode: UTC stays */ }
    showClock();
    window.pytomoCharts.redraw();
  }

  function line(text) { const made = document.createElement("p"); made.textContent = text; return made; }
  function bytes(count) { return (count / 1e6).toFixed(1) + " MB"; }
  function showWindows(region, state) {
    const lines = [];
    state.crawls.forEach(function (crawl) {
      lines.push(line("Crawl " + crawl.name + " is under way: " + crawl.done_count + " of " + crawl.admitted_count + " videos found so far are done."));
    });
    state.windows.forEach(function (open) {
      const made = line((open.vantage || "") + ": " + open.stage + " of " + (open.title || open.video_id) + (open.received_bytes === null ? "" : ", " + bytes(open.received_bytes)) + " ");
      if (open.window_s) {
        const bar = document.createElement("progress");
        bar.max = open.window_s; bar.value = open.elapsed_s || 0;
        bar.setAttribute("aria-label", "Window in progress");
        made.append(bar);
      }
      lines.push(made);
    });
    region.hidden = !lines.length;
    region.replaceChildren(...lines);
  }
  async function refreshParts() {
    const parts = document.querySelectorAll("[data-refresh]");
    if (!parts.length) return;
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    parts.forEach(function (part) {
      const now = fresh.querySelector('[data-refresh="' + part.dataset.refresh + '"]');
      if (now) part.replaceWith(document.importNode(now, true));
    });
    showClock();
  }
  /* Parts that take long are asked for after the page is there. */
  async function loadFragments() {
    if (document.querySelector("[data-fragment]")) await window.pytomoCharts.firstDrawn();
    for (const region of document.querySelectorAll("[data-fragment]")) {
      const answer = await fetch(region.dataset.fragment);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = answer.ok ? fresh.body.children : [line("This could not be summed up in time: choose a shorter period.")];
      region.replaceChildren(...Array.from(found, (node) => document.importNode(node, true)));
      region.setAttribute("aria-busy", "false");
    }
    showClock();
  }
  function follow() {
    const main = document.querySelector("main[data-live]");
    if (!main || !main.dataset.version) return;
    let isBusy = false;
    setInterval(async function () {
      if (document.hidden || isBusy) return;
      isBusy = true;
      try {
        const answer = await fetch(main.dataset.live);
        if (answer.ok) {
          const state = await answer.json();
          const region = document.querySelector("[data-role=live]");
          if (region) showWindows(region, state);
          if (state.version !== main.dataset.version) {
            main.dataset.version = state.version;
            window.pytomoCharts.reload();
            await refreshParts();
            await loadFragments();
          }
        }
      } catch (error) { /* the server is away: the next turn asks again */ }
      isBusy = false;
    }, EVERY_MS);
  }
  /* Where a row of links is wider than the screen, the current one is in view. */
  function showCurrent() {
    document.querySelectorAll("[data-role=row], .periods").forEach(function (row) {
      const current = row.querySelector("[aria-current]");
      if (current) row.scrollLeft = current.offsetLeft - (row.clientWidth - current.offsetWidth) / 2;
    });
  }
  document.addEventListener("DOMContentLoaded", function () {
    showCurrent();
    if (matchMedia("(max-width: 45rem)").matches) document.querySelectorAll("[data-role=aside]").forEach((aside) => { aside.open = false; });
    document.querySelector("[data-theme-switch]").addEventListener("click", switchTheme);
    document.querySelector("[data-time-switch]").addEventListener("click", switchClock);
    showClock();
    loadFragments();
    follow();
  });
})();
