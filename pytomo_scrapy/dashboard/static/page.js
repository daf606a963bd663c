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
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelector("[data-theme-switch]").addEventListener("click", switchTheme);
    loadFragments();
    follow();
  });
})();
