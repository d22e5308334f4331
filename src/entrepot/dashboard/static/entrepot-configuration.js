/* One choice of theme for the pages of work and the configuration: each side keeps it under its own name. */
(function () {
  var ours = "theme", theirs = "adminTheme";
  try {
    var kept = localStorage.getItem(ours);
    if (kept) localStorage.setItem(theirs, JSON.stringify(kept));
    addEventListener("pagehide", function () {
      var chosen = JSON.parse(localStorage.getItem(theirs) || '"auto"');
      if (chosen === "auto") localStorage.removeItem(ours);
      else localStorage.setItem(ours, chosen);
    });
  } catch (refused) { /* storage is off: the system's choice stands */ }
})();
