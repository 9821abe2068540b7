"use strict"
// The server renders every element; this script adopts what changed and writes what moves by
// itself: ages, and times in the reader's zone.
const doc = document, {body} = doc, {dataset} = body
const id = (name, from = doc) => from.getElementById(name)
const one = css => doc.querySelector(css)
const all = (css, from = doc) => [...from.querySelectorAll(css)]
const focused = css => doc.activeElement.closest(css)
const put = (node, text) => {if (node.textContent !== text) node.textContent = text}
const make = (kind, props, ...nodes) => {
  const node = Object.assign(doc.createElement(kind), props)
  node.append(...nodes)
  return node
}
const send = (url, headers, method) => fetch(url, {method, headers, signal: AbortSignal.timeout(8e3)})
const now = () => performance.now()
const home = new URL(dataset.root, location.href).href
const on = addEventListener
// Where the browser keeps nothing, a choice lasts as long as the page.
const store = (() => {try {return localStorage} catch {return {}}})()

// The daemon's clocks, carried on from its last answer.
let upMs = +dataset.up, nowMs = +dataset.now, at = now()
const span = ms => {
  if (0 < ms && ms < 1000) return (ms | 0) + "ms"
  const s = ms / 1000 | 0, parts = [[s / 86400, "d"], [s / 3600 % 24, "h"], [s / 60 % 60, "m"], [s % 60, "s"]]
  const from = parts.findIndex(([n]) => 1 <= n)
  return parts.slice(from, from + 2).map(([n, unit]) => 1 <= n ? (n | 0) + unit : "").join("") || "0s"
}
// A row has its last heartbeat on the daemon's own clock only where its time does not tell it.
const heard = i => i.dataset.h ?? upMs - nowMs + i.closest("tr").querySelector("time").ms
const ages = () => {
  const up = upMs + now() - at
  for (const i of all("#rest i")) put(i, span(i.dataset.d ? i.dataset.d - up : up - heard(i)))
}

// Times come in UTC and become local, with UTC in the tooltip.
const zone = timeZoneName => new Intl.DateTimeFormat([], {timeZoneName}).formatToParts(nowMs).pop().value
const format = new Intl.DateTimeFormat("sv", {dateStyle: "short", timeStyle: "medium"})
const when = ms => format.format(ms).split(" ")
const clock = () => when(nowMs)[1]
const local = time => {
  const utc = time.textContent, [day, hours] = when(time.ms = Date.parse(utc.replace(" ", "T")))
  time.dateTime = utc
  time.title = utc.replace("Z", " UTC")
  put(time, (day === when(nowMs)[0] ? "" : day + " ") + hours + (/\.\d+/.exec(utc) || ""))
}
const dress = node => {
  for (const time of all("time:not([datetime])", node)) local(time)
  for (const url of all(".url", node)) put(url, home)
}

// `old` becomes like `next` node by node: focus, selection, scroll and what is open stay. A row is
// known by its service and instance, what else moves by its id.
const isOwn = node => node?.className === "wrong"
const key = node => node.cells ? node.cells[1].firstChild.textContent + "\n" + node.cells[2].textContent : node.id
const become = (old, next) => {
  if (!old.tagName) return put(old, next.data)
  if (old.tagName === "TIME") {
    if (old.dateTime === next.textContent) return
    put(old, next.textContent)
    return local(old)
  }
  for (const {name} of [...old.attributes]) if (!next.hasAttribute(name) && !"aria-busy open".includes(name)) old.removeAttribute(name)
  for (const {name, value} of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  if (old.tagName === "I" || old.className === "url") return
  const named = new Map([...next.children].map(node => [key(node)]))
  for (const node of [...old.children]) {
    const name = key(node)
    if (name && !named.has(name)) node.remove()
    else named.set(name, node)
  }
  let here = old.firstChild
  for (const node of [...next.childNodes]) {
    while (isOwn(here)) here = here.nextSibling
    const name = key(node), known = name ? named.get(name) : here && !key(here) && here.nodeName === node.nodeName && here
    if (known && known === here) here = here.nextSibling
    else old.insertBefore(known || doc.adoptNode(node), here)
    if (known) become(known, node)
    else if (node.tagName) dress(node)
  }
  for (let spare; spare = here;) {
    here = here.nextSibling
    if (!isOwn(spare)) spare.remove()
  }
}
const adopt = html => {
  const next = new DOMParser().parseFromString(html, "text/html"), focus = doc.activeElement, icon = id("icon")
  // Signed in or out elsewhere, or the session is over: other buttons are needed.
  if (id("top", next).dataset.who !== id("top").dataset.who) return location.reload()
  for (const part of ["top", "rest"]) become(id(part), id(part, next))
  if (focus !== doc.activeElement && focus.isConnected) focus.focus({preventScroll: true})
  doc.title = next.title
  icon.href = icon.href.replace(/\w+\.svg/, id("top").dataset.worst + ".svg")
}

// A summary is spoken when it changed, at most every five seconds.
let said = id("top").dataset.say, spokeAt = -5000
const speak = () => {
  const {say} = id("top").dataset
  if (say === said || now() < spokeAt + 5000) return
  spokeAt = now()
  put(id("say"), said = say)
}

// The word for the connection, the time of the last data, the banner when it is lost.
let failures = 0
const connection = (word, kind) => {
  const [, name, time] = id("conn").children
  id("conn").className = "conn " + kind
  put(name, word)
  put(time, clock() + " " + zone("short"))
  id("rest").classList.toggle("stale", 1 < failures)
}
const found = () => {
  failures = 0
  put(id("alert"), "")
  connection("Live", "live")
}
const lost = () => {
  failures++
  connection(failures < 8 ? "Reconnecting" : "Offline", "lost")
  if (failures === 2) put(id("alert"), `Lost contact since ${clock()}; showing the last known state`)
}

// One request at a time; who asks meanwhile is answered by one more.
let tag = "", asking, again, timer
const ask = async () => {
  again = asking
  if (asking) return
  asking = true
  clearTimeout(timer)
  try {
    const answer = await send(dataset.live, { "If-None-Match": tag})
    // The session is over, or its token revoked: the server asks for one.
    if (answer.status === 401) return location.reload()
    if (!answer.ok && answer.status !== 304) throw 0
    const html = await answer.text()
    upMs = +answer.headers.get("x-up-ms")
    nowMs = +answer.headers.get("x-now-ms")
    at = now()
    if (html) adopt(html)
    tag = answer.headers.get("etag")
    found()
    ages()
    speak()
  } catch {
    lost()
  }
  asking = false
  timer = setTimeout(ask, again ? 0 : doc.hidden ? 3e4 : 2e3)
}

// The same forms without leaving the page; an error stands beside its button.
on("submit", async event => {
  const button = event.submitter
  if (!button?.attributes.formaction) return
  event.preventDefault()
  let text
  if (isOwn(button.nextSibling)) button.nextSibling.remove()
  button.ariaBusy = "true"
  try {
    const answer = await send(button.formAction, {Accept: "application/json"}, "POST")
    if (answer.ok) answer.body.cancel()
    else text = (await answer.json()).detail
  } catch {
    text = "no answer from the daemon; try again"
  }
  if (text) {
    const close = make("button", {className: "btn btn-sm", type: "button"}, "Dismiss"), note = make("span", {className: "wrong"}, text, close)
    close.onclick = () => {note.remove(); button.focus()}
    button.after(note)
  }
  button.removeAttribute("aria-busy")
  ask()
})

// Keys as in the terminal: off inside fields, and where the reader turned them off.
const step = by => {
  const links = all("tbody th > a:first-child"), row = focused("tr")
  links[Math.max(0, links.findIndex(link => row?.contains(link)) + by)]?.focus()
}
const KEYS = {
  "/": ["find", () => id("q")?.focus()],
  j: ["next", () => step(1)],
  k: ["previous", () => step(-1)],
  Enter: ["open"],
  r: ["refresh", () => (focused("tr, .instance") || one(".instance"))?.querySelector("[formaction]")?.click()],
  R: ["refresh all", () => one(".btn-primary")?.click()],
  Escape: ["leave the field, show all", () => {if (location.href !== home) location.href = home}],
  "?": ["this list", () => id("help").click()],
}
id("help").onclick = () => {
  const box = make("input", {type: "checkbox", checked: !store.keys, onchange() {store.keys = box.checked ? "" : "off"}})
  const dialog = make("dialog", {ariaLabel: "Keys", onclose() {dialog.remove()}}, make("h2", {}, "Keys"), ...Object.entries(KEYS).map(([key, [text]]) => make("p", {}, make("kbd", {}, key), " " + text)),
    make("form", {method: "dialog"}, make("label", {}, box, " Keys are on"), make("button", {className: "btn"}, "Close")))
  body.append(dialog)
  dialog.showModal()
}
on("keydown", event => {
  const {target, key, ctrlKey, metaKey, altKey} = event, run = KEYS[key]?.[1]
  if (ctrlKey || metaKey || altKey || one("dialog")) return
  if (target.matches("input, select")) key === "Escape" && target.blur()
  else if (run && !store.keys) {event.preventDefault(); run()}
})
// The system's theme, or the reader's choice.
const theme = name => {
  doc.documentElement.dataset.theme = store.theme = name
  put(id("theme"), "Theme: " + name)
}
theme(store.theme || "system")
id("theme").onclick = () => theme({system: "light", light: "dark", dark: "system"}[store.theme])

for (const node of all("#help, #theme")) node.hidden = false
put(id("zone"), `times in ${zone("short")} (${zone("shortOffset")})`)
dress(doc)
connection("Live", "live")
setInterval(() => doc.hidden || ages(), 1e3)
on("visibilitychange", () => {if (!doc.hidden) {ages(); ask()}})
on("online", ask)
timer = setTimeout(ask, 500)
