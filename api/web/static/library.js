// Uploads by drag and drop, with their progress; and what is done about the quarantine.

import { element, find, problemOf, refused } from "./dom.js";

const POLL_MS = 400;
const form = find("#upload");
const jobs = find("#jobs");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  upload([...form.elements.file.files]);
});
form.elements.file.addEventListener("change", () => {
  if (form.elements.file.files.length) upload([...form.elements.file.files]);
});
for (const name of ["dragenter", "dragover"]) {
  form.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) form.addEventListener(name, () => form.classList.remove("over"));
form.addEventListener("drop", (event) => {
  event.preventDefault();
  upload([...event.dataTransfer.files]);
});

function upload(files) {
  if (!files.length) return;
  const body = new FormData();
  files.forEach((file) => body.append("file", file, file.webkitRelativePath || file.name));
  body.append("collection", form.elements.collection.value.trim() || "default");
  if (form.elements.path.value.trim()) body.append("path", form.elements.path.value.trim());
  const names = files.length > 3 ? `${files.length} files` : files.map((file) => file.name).join(", ");
  const row = said(names);
  const request = new XMLHttpRequest();
  request.open("POST", "/documents");
  request.setRequestHeader("Idempotency-Key", key());
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) row.bar.value = event.loaded / event.total;
  });
  request.addEventListener("error", () => row.fail("The server can't be reached."));
  request.addEventListener("load", () => {
    if (refused(request)) return;
    const answer = parsed(request.responseText);
    if (request.status !== 202) return row.fail(answer.detail ?? `The server answered with ${request.status}.`);
    row.words.textContent = "taken, being read…";
    row.bar.removeAttribute("value");
    follow(answer.id, row);
  });
  request.send(body);
  form.elements.file.value = "";
}

function said(names) {
  const bar = element("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", `Progress of ${names}`);
  const words = element("span", { className: "said", textContent: "on its way…" });
  const row = element("li", {}, element("strong", { textContent: names }), words, bar);
  jobs.prepend(row);
  const fail = (reason) => {
    bar.remove();
    words.className = "failed";
    words.textContent = reason;
  };
  return { row, bar, words, fail };
}

async function follow(id, row) {
  const job = await ended(id).catch((error) => row.fail(error.message));
  if (!job) return;
  if (job.state === "failed") return row.fail(job.problem?.detail ?? "It failed.");
  row.bar.remove();
  const { documents, quarantine } = job.report;
  const done = Object.entries(documents).filter(([, count]) => count);
  row.words.textContent = done.map(([name, count]) => `${count} ${name}`).join(", ") || "nothing to read in it";
  for (const entry of quarantine) {
    row.row.append(element("p", { className: "failed", textContent: `${entry.path}: ${entry.reason} ${entry.hint}` }));
  }
  row.row.dataset.done = "yes";
  await refresh();
}

async function ended(id) {
  for (;;) {
    const response = await fetch(`/jobs/${encodeURIComponent(id)}`);
    if (!response.ok) throw new Error(await problemOf(response));
    const job = await response.json();
    if (job.state === "done" || job.state === "failed") return job;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

// Take the documents and the quarantine from the page as it is now; the uploads stay.
async function refresh() {
  const response = await fetch(location.href);
  if (!response.ok) return;
  const now = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const selector of [".lead", "[aria-labelledby='documents-title']:is(section)", "#quarantine"]) {
    const [old, fresh] = [find(selector), find(selector, now)];
    if (old && fresh) old.replaceWith(fresh);
    else if (old) old.remove();
    else if (fresh) find("main .wide-column").append(fresh);
  }
  reveal();
}

function reveal() {
  document.querySelectorAll(".scripted[hidden]").forEach((each) => (each.hidden = false));
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-do]");
  if (!button) return;
  const entry = button.closest("[data-entry]");
  const words = find(".said", entry);
  const buttons = entry.querySelectorAll("button");
  buttons.forEach((each) => (each.disabled = true));
  words.textContent = "one moment…";
  try {
    const response = await fetch(`/quarantine/${encodeURIComponent(entry.dataset.entry)}/${button.dataset.do}`, {
      method: "POST",
    });
    if (refused(response)) return;
    if (!response.ok) throw new Error(await problemOf(response));
    if (button.dataset.do === "retry") {
      const job = await ended((await response.json()).id);
      const left = job.report?.quarantine ?? [];
      if (job.state === "failed" || left.length) throw new Error(job.problem?.detail ?? left[0].reason);
    }
    await refresh();
  } catch (error) {
    words.textContent = error.message;
    buttons.forEach((each) => (each.disabled = false));
  }
});

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

// crypto.randomUUID is missing where the page did not come over https
function key() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

reveal();
