// Opens a cited source beside the answer; without a script the same link opens its page.

import { find, fragment, refused } from "./dom.js";

const panel = find("#panel");
const body = find("#panel-body");
let opener = null;

export function watchCitations() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-source]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(link);
  });
  find("#panel-close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden && !event.defaultPrevented) close();
  });
}

async function open(link) {
  opener?.classList.remove("open");
  opener = link;
  const response = await fetch(link.href, { headers: { "X-Fragment": "1" } }).catch(() => null);
  if (!response) return location.assign(link.href);
  // led to the login page
  if (response.redirected) return location.assign(link.href);
  if (refused(response)) return;
  const html = await response.text();
  // another citation may have been opened meanwhile
  if (opener !== link) return;
  body.replaceChildren(fragment(html));
  find("#panel-title").textContent = `Source ${link.dataset.source}`;
  find("#panel-open").href = link.href;
  panel.hidden = false;
  link.classList.add("open");
  find("#panel-title").focus({ preventScroll: true });
  const mark = find("mark.cited", body);
  if (mark) {
    const middle = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
    body.scrollTop += middle - body.clientHeight / 4;
  }
}

export function close() {
  panel.hidden = true;
  body.replaceChildren();
  opener?.classList.remove("open");
  opener?.focus();
  opener = null;
}
