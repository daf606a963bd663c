"use strict";
// Before the first paint: the theme that was chosen, else the system's.
(function () {
  var kept = null;
  try { kept = localStorage.getItem("pytomo-theme"); } catch (error) { kept = null; }
  if (kept === "dark" || kept === "light") document.documentElement.setAttribute("data-theme", kept);
})();
