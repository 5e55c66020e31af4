// Runs before the page is drawn, so that a chosen theme never flashes. Without a choice the page follows the system.
(() => {
  const root = document.documentElement;
  root.dataset.script = "";
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* storage may be refused; then the system decides */ }
  if (kept === "light" || kept === "dark") root.dataset.bsTheme = kept;
})();
