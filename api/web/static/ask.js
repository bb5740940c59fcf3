// Asks without leaving the page: sources first, then the text as it comes, then the answer as the server lays it out.

import { element, find, fragment, problemOf, refused, send } from "./dom.js";
import { close, watchCitations } from "./panel.js";
import { events } from "./stream.js";
import { suggest } from "./suggest.js";
import { watchFeedback } from "./feedback.js";

const turns = find("#turns");
const status = find("#status");
const asking = find("#ask");
const following = find("#follow");
const first = find("#q");
const conversation = find("#conversation");

function chosen() {
  const filters = {};
  let collection;
  for (const select of asking.querySelectorAll("select")) {
    if (!select.value) continue;
    if (select.name === "collection") collection = select.value;
    else filters[select.name] = [select.value];
  }
  return { filters, collection };
}

function addressOf(question) {
  const asked = new URLSearchParams({ q: question });
  for (const select of asking.querySelectorAll("select")) if (select.value) asked.set(select.name, select.value);
  return "/?" + asked;
}

async function ask(question, { follow }) {
  if (!follow) {
    close();
    turns.replaceChildren();
    history.pushState(null, "", addressOf(question));
    document.title = `${question} · cuecard`;
  }
  find("#examples")?.remove();
  find(".hero")?.remove();
  const turn = element("article", { className: "turn" });
  const text = element("div", { className: "prose streaming" });
  turn.append(element("h2", { className: "asked", textContent: question }));
  turn.append(element("div", { className: "card" }, text));
  turn.setAttribute("aria-busy", "true");
  turns.append(turn);
  text.textContent = "Looking through your notes…";
  status.textContent = "Looking through your notes.";
  const buttons = document.querySelectorAll("form.ask button");
  buttons.forEach((button) => (button.disabled = true));
  try {
    const id = follow && conversation.value ? { conversation_id: conversation.value } : {};
    const response = await send("/ask", { question, stream: true, ...chosen(), ...id });
    if (refused(response)) return;
    if (!response.ok) throw new Error(await problemOf(response));
    await show(turn, text, response);
  } catch (error) {
    fail(turn, error.message || "The server can't be reached.");
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

async function show(turn, text, response) {
  let answer = null;
  let begun = false;
  for await (const event of events(response)) {
    if (event.name === "token") {
      if (!begun) text.textContent = "";
      begun = true;
      text.append(event.data.text);
    } else if (event.name === "answer") answer = event.data;
    else if (event.name === "problem" || event.name === "error") throw new Error(event.data.detail);
  }
  if (!answer) throw new Error("The answer broke off. Ask again.");
  const laidOut = await send("/answers/page", answer);
  if (!laidOut.ok) throw new Error("The answer can't be shown. Ask again.");
  const made = fragment(await laidOut.text());
  turn.replaceWith(made);
  const shown = turns.lastElementChild;
  conversation.value = answer.conversation_id ?? "";
  following.hidden = false;
  status.textContent = answer.low_confidence ? "Answer with low confidence." : "Answered.";
  find(".asked", shown).focus({ preventScroll: turns.children.length === 1 });
}

function fail(turn, words) {
  const notice = element("section", { className: "notice bad" }, element("p", { textContent: words }));
  notice.setAttribute("role", "alert");
  turn.removeAttribute("aria-busy");
  find(".card", turn)?.remove();
  turn.append(notice);
  status.textContent = "";
}

function submit(form, input, options) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = input.value.trim();
    if (!question) return;
    if (options.follow) input.value = "";
    ask(question, options);
  });
}

submit(asking, first, { follow: false });
submit(following, find("#f"), { follow: true });
const hide = suggest(first, find("#suggestions"), (question) => {
  first.value = question;
  hide();
  ask(question, { follow: false });
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".examples a, .related a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  first.value = link.textContent.trim();
  ask(first.value, { follow: false });
});
// an earlier address has an earlier answer, which the server lays out
addEventListener("popstate", () => location.reload());
watchCitations();
watchFeedback();
