/* Live news: says that there is some, and never moves a row. Pauses while the tab is hidden. */
(function () {
  "use strict";
  var place = document.getElementById("live");
  var script = document.currentScript;
  if (!place || !script || !window.EventSource) return;
  var stream = null;
  var chip = null;

  place.className = "live";
  place.setAttribute("role", "status");
  place.setAttribute("aria-live", "polite");

  function say(words, isOff) {
    place.classList.toggle("off", isOff);
    if (place.textContent !== words) place.textContent = words;
  }

  function offer(orders) {
    var head = document.querySelector("[data-news]");
    if (!head || !orders) return;
    if (!chip) {
      chip = document.createElement("a");
      chip.className = "btn news";
      chip.href = location.href;
      head.appendChild(chip);
    }
    chip.textContent = orders + (orders === 1 ? " new order" : " new orders");
  }

  function open() {
    if (stream || document.hidden) return;
    stream = new EventSource(script.dataset.stream);
    stream.addEventListener("open", function () { say("Live", false); });
    stream.addEventListener("news", function (event) {
      var news = JSON.parse(event.data);
      offer(news.orders);
      say(news.orders ? "Live, " + chipWords(news.orders) : "Live", false);
    });
    stream.addEventListener("error", function () { say("Not live", true); });
  }

  function chipWords(orders) {
    return orders + (orders === 1 ? " new order" : " new orders");
  }

  function shut() {
    if (stream) stream.close();
    stream = null;
    say("Paused", true);
  }

  document.addEventListener("visibilitychange", function () { if (document.hidden) shut(); else open(); });
  addEventListener("pagehide", shut);
  open();
})();
