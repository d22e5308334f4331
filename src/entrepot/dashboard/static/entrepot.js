/* What pages gain with JavaScript: keys, dialogs in place, selection. Every action also works without it. */
(function () {
  "use strict";
  var at = -1;

  function rows() {
    return Array.prototype.slice.call(document.querySelectorAll("[data-rows] tbody tr"));
  }

  function typing(element) {
    return element && (element.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName));
  }

  function move(by) {
    var all = rows();
    if (!all.length) return;
    at = Math.max(0, Math.min(all.length - 1, at + by));
    all.forEach(function (row, number) { row.classList.toggle("at", number === at); });
    var link = all[at].querySelector("th a, td a");
    if (link) link.focus();
    all[at].scrollIntoView({ block: "nearest" });
  }

  function count() {
    var bulk = document.querySelector("[data-bulk]");
    if (!bulk) return;
    var boxes = Array.prototype.slice.call(document.querySelectorAll("[data-select]"));
    var chosen = boxes.filter(function (box) { return box.checked; });
    boxes.forEach(function (box) {
      var row = box.closest("tr");
      if (box.checked) row.setAttribute("aria-selected", "true");
      else row.removeAttribute("aria-selected");
    });
    bulk.classList.toggle("on", chosen.length > 0);
    bulk.querySelector("[data-chosen]").textContent = chosen.length + " selected";
    var all = document.querySelector("[data-select-all]");
    if (all) {
      all.checked = chosen.length > 0 && chosen.length === boxes.length;
      all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
    }
  }

  function close() {
    var open = document.querySelector("#dialog dialog");
    if (open) open.remove();
  }

  addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) {
      if (!((event.ctrlKey || event.metaKey) && event.key === "k")) return;
    }
    if (typing(event.target) && event.key !== "Escape") return;
    var row = rows()[at];
    var box = row && row.querySelector("[data-select]");
    switch (event.key) {
      case "/":
      case "k":
        if (event.key === "/" || event.ctrlKey || event.metaKey) {
          event.preventDefault();
          document.getElementById("q").focus();
        } else move(-1);
        break;
      case "j": move(1); break;
      case "x":
        if (box) { box.checked = !box.checked; count(); }
        break;
      case "e":
        var act = (row || document).querySelector("[data-act]");
        if (act) { event.preventDefault(); act.focus(); act.click(); }
        break;
      case "?":
        var help = document.getElementById("keys");
        if (help && help.togglePopover) help.togglePopover();
        break;
    }
  });

  addEventListener("change", function (event) {
    if (event.target.matches("[data-select-all]")) {
      document.querySelectorAll("[data-select]").forEach(function (box) { box.checked = event.target.checked; });
    }
    if (event.target.matches("[data-select], [data-select-all]")) count();
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  addEventListener("click", function (event) {
    var shut = event.target.closest("[data-close]");
    if (shut && document.querySelector("#dialog dialog")) {
      event.preventDefault();
      close();
    }
    var toast = event.target.closest("[data-dismiss]");
    if (toast) toast.closest(".toast").remove();
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.id !== "dialog") return;
    var dialog = event.target.querySelector("dialog");
    if (!dialog) return;
    dialog.removeAttribute("open");
    document.querySelectorAll("details.menu[open]").forEach(function (menu) { menu.open = false; });
    dialog.showModal();
    dialog.addEventListener("close", close);
    var all = fields(dialog), first = all.filter(function (field) { return !field.checked; })[0] || all[0];
    if (first && matchMedia("(pointer: fine)").matches) first.focus(); // a touch keyboard would hide the effects
  });

  /* The effect of a form is worked out by the server, which draws the form anew: what was typed or
     ticked meanwhile stays, and so does the cursor. A tick that the server has not seen is sent. */
  var sent = null, typed = null;

  function ticks(field) { return /^(checkbox|radio)$/.test(field.type); }

  function told(field) { return ticks(field) ? field.checked : field.value; }

  function keyed(field) { return ticks(field) ? field.name + "=" + field.value : field.name; }

  function fields(box) {
    return Array.prototype.filter.call(box.querySelectorAll("input, select, textarea"), function (field) {
      return field.name && !/^(hidden|file|submit|button)$/.test(field.type);
    });
  }

  function values(box) {
    var all = {};
    fields(box).forEach(function (field) { all[keyed(field)] = told(field); });
    return all;
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.target.id === "act-box") sent = values(event.detail.target);
  });

  document.addEventListener("htmx:beforeSwap", function (event) {
    var box = event.detail.target;
    if (box.id !== "act-box") return;
    var current = document.activeElement;
    typed = { values: values(box), at: "", from: null, to: null };
    fields(box).forEach(function (field) {
      if (field !== current) return;
      typed.at = keyed(field);
      try { typed.from = field.selectionStart; typed.to = field.selectionEnd; } catch (error) { /* numbers have none */ }
    });
  });

  document.addEventListener("htmx:afterSettle", function () {
    var box = document.getElementById("act-box"), before = typed, unseen = null;
    typed = null;
    if (!box || !before) return;
    fields(box).forEach(function (field) {
      var key = keyed(field);
      if (key in before.values) {
        if (ticks(field)) field.checked = before.values[key];
        else field.value = before.values[key];
        if ((ticks(field) || field.tagName === "SELECT") && sent && sent[key] !== before.values[key]) unseen = field;
      }
      if (key !== before.at) return;
      field.focus();
      if (typeof before.from === "number") field.setSelectionRange(before.from, before.to);
    });
    if (unseen) unseen.dispatchEvent(new Event("change", { bubbles: true }));
  });

  /* A second press on the same button, while the first is on its way, is the same press. */
  addEventListener("submit", function (event) {
    var form = event.target;
    if (form.getAttribute("method") !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 5000);
  });

  addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });
  addEventListener("pageshow", count);
  count();
})();
