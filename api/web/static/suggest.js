// Questions of the library under the field, as the combobox pattern of ARIA has it.

import { element, find } from "./dom.js";

const WAIT_MS = 120;

export function suggest(input, list, choose) {
  let current = -1;
  let timer = 0;
  let asked = 0;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const hide = () => {
    asked += 1;
    clearTimeout(timer);
    list.hidden = true;
    current = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const mark = (index) => {
    const options = [...list.children];
    current = (index + options.length) % options.length;
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === current)));
    options[current].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[current].id);
  };

  const show = (questions) => {
    list.replaceChildren(
      ...questions.map((each, index) => {
        const option = element("li", { id: `suggestion-${index}` }, each.question);
        option.append(element("span", { className: "path", textContent: each.document }));
        option.dataset.question = each.question;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        return option;
      }),
    );
    current = -1;
    list.hidden = !questions.length;
    input.setAttribute("aria-expanded", String(questions.length > 0));
  };

  const ask = async () => {
    const mine = ++asked;
    const q = input.value.trim();
    if (q.length < 2) return hide();
    const response = await fetch("/questions?" + new URLSearchParams({ q, limit: 6 })).catch(() => null);
    if (!response?.ok) return;
    const { questions } = await response.json();
    if (mine === asked && document.activeElement === input) show(questions);
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("blur", hide);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown") mark(current + 1);
    else if (event.key === "ArrowUp") mark(current < 0 ? -1 : current - 1);
    else if (event.key === "Escape") hide();
    else if (event.key === "Enter" && current >= 0) choose(list.children[current].dataset.question);
    else return;
    event.preventDefault();
  });
  // before the field loses the focus, which would hide the list
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("li");
    if (option) choose(option.dataset.question);
    event.preventDefault();
  });
  find("form#ask").addEventListener("submit", hide);
  return hide;
}
