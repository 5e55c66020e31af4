// Restriction lists by mouse: an entry is dragged by its grip to another place. The buttons do the same without script.
(() => {
  let dragged = null;

  const rulesOf = (list) => [...list.querySelectorAll(":scope > [data-rule]")];

  for (const rule of document.querySelectorAll("[data-rule]")) {
    // Only the grip drags, so that text can still be chosen with the mouse.
    const grip = rule.querySelector(".grip");
    grip.addEventListener("pointerdown", () => { rule.draggable = true; });
    grip.addEventListener("pointerup", () => { rule.draggable = false; });

    rule.addEventListener("dragstart", (event) => {
      dragged = { rule, list: rule.parentElement, from: rulesOf(rule.parentElement).indexOf(rule) };
      event.dataTransfer.effectAllowed = "move";
      rule.classList.add("is-dragged");
    });

    rule.addEventListener("dragover", (event) => {
      if (!dragged || rule.parentElement !== dragged.list) return;
      event.preventDefault();
      if (rule === dragged.rule) return;
      const box = rule.getBoundingClientRect();
      if (event.clientY < box.top + box.height / 2) rule.before(dragged.rule);
      else rule.after(dragged.rule);
    });

    rule.addEventListener("drop", (event) => event.preventDefault());

    rule.addEventListener("dragend", (event) => {
      if (!dragged) return;
      const { list, from } = dragged;
      const to = rulesOf(list).indexOf(rule);
      rule.classList.remove("is-dragged");
      rule.draggable = false;
      dragged = null;
      const wasDropped = event.dataTransfer.dropEffect !== "none";
      if (!wasDropped) list.insertBefore(rule, rulesOf(list).filter((other) => other !== rule)[from] ?? null);
      else if (to !== from) {
        const form = rule.querySelector("form");
        const place = Object.assign(document.createElement("input"), { type: "hidden", name: "to", value: to + 1 });
        form.append(place);
        form.submit();
      }
    });
  }
})();
