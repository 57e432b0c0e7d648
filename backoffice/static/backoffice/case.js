// A moderator's keys: each button or link says its own. Never while something is being typed.
"use strict";
document.addEventListener("keydown", (event) => {
  const typing = document.activeElement.matches("input:not([type=checkbox]), textarea, select");
  if (event.key === "Escape" && typing) {
    document.activeElement.blur();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const why = document.getElementById("id_why");
  if (event.key === "/" && why) {
    event.preventDefault();
    why.focus();
    return;
  }
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  // A decision without a reason is refused by the form itself, which leads to the empty field.
  button.click();
});
// A warning needs words for who is warned, other decisions do not.
for (const button of document.querySelectorAll(".verdicts button[data-key]")) {
  button.addEventListener("click", () => {
    const told = document.getElementById("id_told");
    told.required = button.dataset.needs === told.id;
  });
}
