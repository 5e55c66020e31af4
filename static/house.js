// What script adds to pages that work without it: keys, copying, choosing many rows, destinations as chips, the theme.
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Theme: the first press leaves the system's choice
  const isDark = () => root.dataset.bsTheme
    ? root.dataset.bsTheme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  for (const button of all("[data-theme-toggle]")) {
    button.addEventListener("click", () => {
      root.dataset.bsTheme = isDark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.bsTheme); } catch { /* kept for this page only */ }
    });
  }

  // Find: "/" outside a field, Control-K or Command-K anywhere
  const find = document.getElementById("find");
  const isTyping = (element) => element.matches("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    const isSlash = event.key === "/" && !isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey;
    const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!find || !(isSlash || isK)) return;
    event.preventDefault();
    if (!find.checkVisibility()) document.getElementById("side").showPopover();
    find.focus();
    find.select();
  });

  // The menu of a phone goes when the focus leaves it: what is under it must be seen
  const side = document.getElementById("side");
  side?.addEventListener("focusout", (event) => {
    const hasLeft = event.relatedTarget && !side.contains(event.relatedTarget);
    if (hasLeft && !event.relatedTarget.matches("[popovertarget]") && side.matches(":popover-open")) side.hidePopover();
  });

  // Copy: says so to the eye and to a screen reader
  const said = document.getElementById("said");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("is-copied");
    if (said) said.textContent = said.dataset.copied.replace("{text}", button.dataset.copy);
    setTimeout(() => { button.classList.remove("is-copied"); if (said) said.textContent = ""; }, 1600);
  });

  // Choose many: the bar counts, the head of the list chooses all of the page
  const countPicked = (form) => {
    const picks = all("input[name=pick]", form);
    const picked = picks.filter((pick) => pick.checked).length;
    const head = form.querySelector("[data-pick-all]");
    const bar = form.querySelector(".bulk");
    if (head) {
      head.checked = picked > 0 && picked === picks.length;
      head.indeterminate = picked > 0 && picked < picks.length;
    }
    if (bar) {
      bar.hidden = picked === 0;
      bar.querySelector("output").textContent = bar.dataset.picked.replace("{n}", picked);
    }
  };
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-picks]");
    if (!form) return;
    if (event.target.matches("[data-pick-all]")) {
      for (const pick of all("input[name=pick]", form)) pick.checked = event.target.checked;
    }
    countPicked(form);
  });

  // Destinations: a text area of one address a line becomes chips that also take a pasted list.
  // Taken apart as mailboxes/forms.py does it: at line ends, commas and semicolons, but not within quotes.
  const words = (piece) => {
    const inBrackets = piece.match(/<([^<>]*@[^<>]*)>\s*$/);
    if (inBrackets) return [inBrackets[1]];
    const found = piece.match(/(?:"(?:\\.|[^"\\])*"|\S)+/g) ?? [];
    return found.every((word) => word.includes("@")) ? found : [piece];
  };
  const apart = (text) => (text.match(/(?:"(?:\\.|[^"\\])*"|[^",;\r\n])+|"/g) ?? [])
    .flatMap(words)
    .map((word) => word.trim())
    .filter(Boolean);
  const makeChips = (area) => {
    const box = document.createElement("div");
    const input = document.createElement("input");
    const list = document.createElement("ul");
    const complaints = (document.getElementById(`${area.id}_error`)?.textContent ?? "");
    const chips = () => all("li", list).map((chip) => chip.dataset.value);
    const store = () => { area.value = chips().join("\n"); };
    const drop = (chip) => { chip.remove(); store(); input.focus(); };
    const add = (value) => {
      if (!value || chips().includes(value)) return;
      const chip = document.createElement("li");
      const word = document.createElement("span");
      const button = document.createElement("button");
      chip.dataset.value = word.textContent = value;
      const named = [`“${value}”`, `「${value}」`, `${value} `, `${value}. `];  // as the sentences of our languages put it
      chip.className = named.some((name) => complaints.includes(name)) ? "chip chip-bad" : "chip";
      button.type = "button";
      button.className = "icon-btn";
      button.ariaLabel = area.dataset.remove.replace("{text}", value);
      button.innerHTML = `<svg class="i" aria-hidden="true"><use href="${area.dataset.icons}#x"/></svg>`;
      button.addEventListener("click", () => drop(chip));
      chip.append(word, button);
      list.append(chip);
      store();
    };
    const take = () => { apart(input.value).forEach(add); input.value = ""; };
    box.className = area.ariaInvalid === "true" ? "chips is-invalid" : "chips";
    list.className = "chip-list";
    input.id = area.id;
    input.placeholder = area.dataset.placeholder;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.ariaInvalid = area.ariaInvalid;
    if (area.hasAttribute("aria-describedby")) input.setAttribute("aria-describedby", area.getAttribute("aria-describedby"));
    area.id = `${area.id}_text`;
    area.hidden = true;
    apart(area.value).forEach(add);
    input.addEventListener("keydown", (event) => {
      const isEnd = event.key === "Enter" || event.key === "," || event.key === ";";
      if (isEnd && input.value.trim() && !event.isComposing) { event.preventDefault(); take(); }
      if (event.key === "Backspace" && !input.value && list.lastElementChild) drop(list.lastElementChild);
    });
    input.addEventListener("paste", (event) => {
      const pasted = event.clipboardData.getData("text");
      if (apart(pasted).length > 1) { event.preventDefault(); apart(pasted).forEach(add); }
    });
    input.addEventListener("blur", take);
    area.form.addEventListener("submit", take);
    box.addEventListener("click", (event) => { if (event.target === box || event.target === list) input.focus(); });
    box.append(list, input);
    area.after(box);
  };

  // What only counts while a box is ticked is there, and sent, only then
  const goWithBox = (input) => {
    const box = input.form.elements[input.dataset.onlyWith];
    const follow = () => { input.disabled = input.closest(".field").hidden = !box.checked; };
    box.addEventListener("change", follow);
    follow();
  };

  // The question before a deletion comes as a popover; without it, the link leads to its page
  const ask = document.getElementById("ask");
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== ask) return;
    ask.showPopover();
    ask.querySelector("[data-keep]")?.focus();
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.target === ask) location.assign(event.detail.elt.href);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#ask [data-keep]")) return;
    event.preventDefault();
    ask.hidePopover();
  });

  const arrange = (within) => {
    for (const form of all("form[data-picks]", within)) countPicked(form);
    for (const area of all("textarea[data-chips]", within)) makeChips(area);
    for (const input of all("input[data-only-with]", within)) goWithBox(input);
  };
  arrange(document);
  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });
  document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) arrange(event.target); });
})();
