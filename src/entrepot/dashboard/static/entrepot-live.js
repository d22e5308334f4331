/* Live news: says that there is some, and never moves a row. Pauses while the tab is hidden. */
(function () {
  "use strict";
  var place = document.getElementById("live");
  var script = document.currentScript;
  if (!place || !script || !window.EventSource) return;
  var stream = null;
  var chip = null;
  var earlier = 0; // orders told by streams that have ended
  var told = 0;
  var wasAway = false;

  place.className = "live";
  place.setAttribute("role", "status");
  place.setAttribute("aria-live", "polite");

  function say(words, isOff) {
    place.classList.toggle("off", isOff);
    if (place.textContent !== words) place.textContent = words;
  }

  function offer(words) {
    var head = document.querySelector("[data-news]");
    if (!head) return;
    if (!chip) {
      chip = document.createElement("a");
      chip.className = "btn news";
      chip.href = location.pathname + location.search; // a part's name would only jump there
      head.appendChild(chip);
    }
    if (chip.textContent !== words) chip.textContent = words;
  }

  /* A page of one order hears that it has changed; any other, how many came. */
  var isOfOne = !!document.querySelector("[data-news=order]");

  function count(orders, isChanged) {
    if (isOfOne) {
      if (isChanged) offer("Changed, read again");
      return;
    }
    if (!orders) return;
    var words = orders + (orders === 1 ? " new order" : " new orders");
    offer(wasAway ? words + ", read again" : words);
  }

  function open() {
    if (stream || document.hidden) return;
    stream = new EventSource(script.dataset.stream);
    stream.addEventListener("open", function () {
      earlier += told;
      told = 0;
      say("Updates on", false);
      if (wasAway && !earlier) offer("Read again");
    });
    stream.addEventListener("news", function (event) {
      var news = JSON.parse(event.data);
      told = news.orders;
      count(earlier + told, news.changed);
    });
    stream.addEventListener("error", function () { say("Updates off", true); });
  }

  function shut() {
    if (stream) stream.close();
    stream = null;
    wasAway = true;
    say("Updates off", true);
  }

  document.addEventListener("visibilitychange", function () { if (document.hidden) shut(); else open(); });
  addEventListener("pagehide", shut);
  open();
})();
