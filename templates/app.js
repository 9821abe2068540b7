"use strict";
// The server renders every element; this script adopts what changed and writes what moves by
// itself: ages, and times in the reader's zone.
const { body, documentElement: root } = document;
const id = (name) => document.getElementById(name);
const all = (css, from = document) => [...from.querySelectorAll(css)];
const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const make = (kind, name, text) => Object.assign(document.createElement(kind), { className: name, textContent: text });
const send = (url, headers, method) => fetch(url, { method, headers, signal: AbortSignal.timeout(8000) });

// The daemon's clocks, carried on from its last answer.
let upMs = +body.dataset.up, nowMs = +body.dataset.now, at = performance.now();
const span = (ms) => {
  if (0 < ms && ms < 1000) return Math.floor(ms) + "ms";
  let rest = Math.floor(Math.max(0, ms) / 1000), out = [];
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]]) {
    const count = Math.floor(rest / length);
    rest %= length;
    if (count && out.length < 2) out.push(count + unit);
    else if (out.length) break;
  }
  return out.join("") || "0s";
};
const ages = () => {
  const up = upMs + performance.now() - at;
  for (const i of all("[data-h]")) put(i, span(up - i.dataset.h));
  for (const i of all("[data-d]")) put(i, span(i.dataset.d - up));
};

// Times come in UTC and become local, with UTC in the tooltip.
const zone = (timeZoneName) => new Intl.DateTimeFormat([], { timeZoneName }).formatToParts(nowMs).find((part) => part.type === "timeZoneName").value;
const two = (n) => String(n).padStart(2, "0");
const clock = (d) => [d.getHours(), d.getMinutes(), d.getSeconds()].map(two).join(":");
const day = (d) => [d.getFullYear(), d.getMonth() + 1, d.getDate()].map(two).join("-");
const local = (time) => {
  const utc = time.textContent, date = new Date(utc.replace(" ", "T"));
  const today = day(date) === day(new Date(nowMs));
  time.dateTime = utc;
  time.title = utc.replace("Z", " UTC");
  put(time, (today ? "" : day(date) + " ") + clock(date) + (/\.\d+/.exec(utc) || ""));
};
const dress = (node) => {
  for (const time of all("time:not([datetime])", node)) local(time);
  for (const url of all(".url", node)) put(url, new URL(body.dataset.root, location.href).href);
};

// `old` becomes like `next` node by node: focus, selection and scroll stay.
const isOwn = (node) => node && node.className === "wrong";
const become = (old, next) => {
  if (!old.tagName) return put(old, next.data);
  if (old.tagName === "TIME") {
    if (old.dateTime === next.textContent) return;
    put(old, next.textContent);
    return local(old);
  }
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && name !== "aria-busy") old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.tagName === "I" || old.className === "url") return;
  const named = new Map([...next.children].map((child) => [child.id]));
  for (const child of [...old.children]) {
    if (child.id && !named.has(child.id)) child.remove();
    else named.set(child.id, child);
  }
  let here = old.firstChild, spare;
  for (const child of [...next.childNodes]) {
    while (isOwn(here)) here = here.nextSibling;
    const known = child.id ? named.get(child.id) : here && !here.id && here.nodeName === child.nodeName && here;
    if (!known) {
      old.insertBefore(document.adoptNode(child), here);
      if (child.tagName) dress(child);
      continue;
    }
    if (known === here) here = here.nextSibling;
    else old.insertBefore(known, here);
    become(known, child);
  }
  for (; here; here = spare) {
    spare = here.nextSibling;
    if (!isOwn(here)) here.remove();
  }
};
const adopt = (html) => {
  const next = new DOMParser().parseFromString(html, "text/html"), focus = document.activeElement;
  // Signed in or out elsewhere, or the session is over: other buttons are needed.
  if (next.getElementById("top").dataset.who !== id("top").dataset.who) return location.reload();
  for (const part of ["top", "rest"]) become(id(part), next.getElementById(part));
  if (focus !== document.activeElement && focus.isConnected) focus.focus({ preventScroll: true });
  document.title = next.title;
  id("icon").href = id("icon").href.replace(/\w+\.svg/, id("top").dataset.worst + ".svg");
};

// A summary is spoken when it changed, at most every five seconds.
let said = id("top").dataset.say, spokeAt = -5000;
const speak = () => {
  const { say } = id("top").dataset;
  if (say === said || performance.now() < spokeAt + 5000) return;
  spokeAt = performance.now();
  put(id("say"), said = say);
};

// The word for the connection, the time of the last data, the banner when it is lost.
const connection = (word, kind) => {
  const [, name, time] = id("conn").children;
  id("conn").className = "conn " + kind;
  put(name, word);
  put(time, clock(new Date(nowMs)) + " " + zone("short"));
};
let failures = 0;
const found = () => {
  failures = 0;
  id("alert").replaceChildren();
  id("rest").classList.remove("stale");
  connection("Live", "live");
};
const lost = () => {
  failures += 1;
  connection(navigator.onLine && failures < 8 ? "Reconnecting" : "Offline", "lost");
  if (failures < 2) return;
  id("rest").classList.add("stale");
  if (!id("alert").firstChild) id("alert").append(make("p", "alert t-down", `Lost contact since ${clock(new Date(nowMs))}; showing the last known state`));
};

// One request at a time; who asks meanwhile is answered by one more.
let tag = "", asking = false, again = false, timer = 0;
const ask = async () => {
  again = asking;
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    const answer = await send(body.dataset.live, { "If-None-Match": tag });
    // The session is over, or its token revoked: the server asks for one.
    if (answer.status === 401) return location.reload();
    if (!answer.ok && answer.status !== 304) throw new Error(answer.status);
    const html = await answer.text();
    upMs = +answer.headers.get("x-up-ms");
    nowMs = +answer.headers.get("x-now-ms");
    at = performance.now();
    if (html) adopt(html);
    tag = answer.headers.get("etag");
    found();
    ages();
    speak();
  } catch {
    lost();
  }
  asking = false;
  timer = setTimeout(ask, again ? 0 : document.hidden ? 30000 : 2000);
};

// The same forms without leaving the page; an error stands beside its button.
const complain = (button, text) => {
  const note = make("span", "wrong", text), close = make("button", "btn btn-sm", "Dismiss");
  close.type = "button";
  close.onclick = () => { note.remove(); button.focus(); };
  note.append(close);
  button.after(note);
};
const act = async (button, url) => {
  if (isOwn(button.nextSibling)) button.nextSibling.remove();
  button.ariaBusy = "true";
  try {
    const answer = await send(url, { Accept: "application/json" }, "POST");
    if (answer.ok) answer.body.cancel();
    else complain(button, (await answer.json()).detail);
  } catch {
    complain(button, "no answer from the daemon; try again");
  }
  button.removeAttribute("aria-busy");
  ask();
};
document.addEventListener("submit", (event) => {
  const { target, submitter } = event;
  if (target.method !== "post" || "leaves" in target.dataset) return;
  event.preventDefault();
  act(submitter, submitter.hasAttribute("formaction") ? submitter.formAction : target.action);
});

// Keys as in the terminal, off inside fields.
const step = (by) => {
  const links = all("tbody th > a:first-child"), row = document.activeElement.closest("tr");
  links[Math.min(links.length - 1, Math.max(0, links.findIndex((link) => row?.contains(link)) + by))]?.focus();
};
const KEYS = {
  "/": () => id("q")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  r: () => document.activeElement.closest("tr, .instance")?.querySelector("[formaction]").click(),
  R: () => document.querySelector(".btn-primary")?.click(),
  "?": () => id("keys").showModal(),
  Escape: () => { if (location.search) location.href = body.dataset.root; },
};
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || id("keys").open) return;
  if (target.matches("input, select")) return key === "Escape" && target.blur();
  if (KEYS[key]) { event.preventDefault(); KEYS[key](); }
});

// The system's theme, or the reader's choice.
const theme = (name) => {
  root.dataset.theme = localStorage.theme = name;
  id("theme").textContent = "Theme: " + name;
};
theme(localStorage.theme || "system");
id("theme").onclick = () => theme({ system: "light", light: "dark", dark: "system" }[root.dataset.theme]);

for (const node of all("#hint, #theme")) node.hidden = false;
put(id("zone"), `times in ${zone("short")} (${zone("shortOffset")})`);
dress(document);
connection("Live", "live");
setInterval(() => { if (!document.hidden) ages(); }, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
addEventListener("online", ask);
timer = setTimeout(ask, 500);
