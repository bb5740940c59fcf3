// Thumbs under an answer, and what was wrong with it.

import { find, problemOf, refused, send } from "./dom.js";

export function watchFeedback() {
  reveal();
  new MutationObserver(reveal).observe(find("#turns"), { childList: true });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-rating]");
    if (button) rate(button.closest(".turn"), button.dataset.rating);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.comment")) return;
    event.preventDefault();
    const turn = event.target.closest(".turn");
    rate(turn, "down", event.target.elements.comment.value.trim());
  });
}

function reveal() {
  document.querySelectorAll(".thumbs[hidden]").forEach((thumbs) => (thumbs.hidden = false));
}

async function rate(turn, rating, comment) {
  const said = find(".thumbs .said", turn);
  const body = { answer_id: turn.dataset.answer, rating, ...(comment ? { comment } : {}) };
  const response = await send("/feedback", body).catch(() => null);
  if (response && refused(response)) return;
  if (!response?.ok) {
    said.textContent = response ? await problemOf(response) : "The server can't be reached.";
    return;
  }
  for (const button of turn.querySelectorAll("button[data-rating]")) {
    button.setAttribute("aria-pressed", String(button.dataset.rating === rating));
  }
  find("form.comment", turn).hidden = rating === "up" || Boolean(comment);
  said.textContent = "Thank you.";
  if (rating === "down" && !comment) find("form.comment input", turn).focus();
}
