// Small helpers that the other scripts share.

export const find = (selector, root = document) => root.querySelector(selector);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// A piece of a page that the server made and sanitised.
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// What a response says went wrong, in words.
export async function problemOf(response) {
  try {
    const body = await response.json();
    const wait = response.headers.get("Retry-After");
    return body.detail + (wait && response.status !== 401 ? ` Try again in ${wait} s.` : "");
  } catch {
    return `The server answered with ${response.status}.`;
  }
}

// Where a page of this server needs somebody to log in first, go there.
export function refused(response) {
  if (response.status === 401) {
    const next = location.pathname + location.search;
    location.assign("/login?" + new URLSearchParams({ next }));
    return true;
  }
  return false;
}

export function send(url, body) {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}
