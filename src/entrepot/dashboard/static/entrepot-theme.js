/* Theme toggle. Loaded before the page is drawn, so that nothing flashes; without it the system's choice stands. */
(function () {
  var root = document.documentElement;
  var key = "theme";
  root.classList.add("js");
  try {
    var kept = localStorage.getItem(key);
    if (kept) root.dataset.theme = kept;
  } catch (refused) { /* storage is off: the system's choice stands */ }
  addEventListener("click", function (event) {
    if (!event.target.closest("[data-toggle-theme]")) return;
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem(key, root.dataset.theme);
    } catch (refused) { /* kept for this page only */ }
  });
})();
