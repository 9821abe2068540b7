"use strict"
// The server renders every element; this script adopts what changed and writes what moves by
// itself: ages, and times in the reader's zone.
const doc = document, {dataset} = doc.body
const id = (name, from = doc) => from.getElementById(name)
const one = (css, from = doc) => from.querySelector(css)
const all = (css, from = doc) => [...from.querySelectorAll(css)]
const focused = css => doc.activeElement.closest(css)
const put = (node, text) => {if (node.textContent !== text) node.textContent = text}
const make = (kind, props, ...nodes) => {
  const node = Object.assign(doc.createElement(kind), props)
  node.append(...nodes)
  return node
}
const send = (url, headers, method) => fetch(url, {method, headers, signal: AbortSignal.timeout(5e3)})
const now = () => performance.now()
const home = new URL(dataset.root, location.href).href
const on = addEventListener
const chord = event => event.ctrlKey || event.metaKey || event.altKey
// Where the browser keeps nothing, a choice lasts as long as the page.
const store = (() => {try {return localStorage} catch {return {}}})()

// The daemon's clocks, carried on from its last answer.
let upMs = +dataset.up, nowMs = +dataset.now, at = now(), failures = 0
const span = ms => {
  if (0 < ms && ms < 1e3) return (ms | 0) + "ms"
  const s = ms / 1e3 | 0, parts = [[s / 86400, "d"], [s / 3600 % 24, "h"], [s / 60 % 60, "m"], [s % 60, "s"]]
  const from = parts.findIndex(([n]) => 1 <= n)
  return parts.slice(from, from + 2).map(([n, unit]) => 1 <= n ? (n | 0) + unit : "").join("") || "0s"
}
// A row has its last heartbeat on the daemon's own clock only where its time does not tell it.
const heard = i => i.dataset.h ?? upMs - nowMs + one("time", i.closest("tr")).ms
const ages = () => {
  const up = upMs + now() - at
  // Time left stands still while nobody knows whether the daemon listens.
  for (const i of all("#rest i")) i.dataset.d ? failures || put(i, span(i.dataset.d - up)) : put(i, span(up - heard(i)))
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
  const next = new DOMParser().parseFromString(html, "text/html"), icon = id("icon")
  // Signed in or out elsewhere, or the session is over: other buttons are needed.
  if (id("top", next).dataset.who !== id("top").dataset.who) return location.reload()
  const focus = doc.activeElement, row = focused("#rest :is(tr, section)"), behind = row?.nextElementSibling, {top} = focus.getBoundingClientRect()
  for (const part of ["top", "rest"]) become(id(part), id(part, next))
  // Who loses its place gets the one that came for it, in its row or the next; and what is in focus
  // stays where it is on the screen, wherever it went in the list.
  const heir = focus.isConnected ? focus : row?.isConnected ? one(".confirm a, td > a, .actions a", row) : behind?.querySelector("a")
  if (heir !== doc.activeElement) heir?.focus({preventScroll: true})
  if (row && heir) scrollBy(0, heir.getBoundingClientRect().top - top)
  doc.title = next.title
  icon.href = icon.href.replace(/\w+\.svg/, id("top").dataset.worst + ".svg")
}

// A summary is spoken when it changed, at most every five seconds.
let said = id("top").dataset.say, spokeAt = -5e3
const speak = () => {
  const {say} = id("top").dataset
  if (say === said || now() < spokeAt + 5e3) return
  spokeAt = now()
  put(id("say"), said = say)
}

// The word for the connection, the time of the last data, the banner when it is lost.
const connection = (word, kind) => {
  const [, name, time] = id("conn").children
  id("conn").className = "conn " + kind
  put(name, word)
  put(time, clock() + " " + zone("short"))
  id("rest").classList.toggle("stale", 1 < failures)
}

// One request at a time; who asks meanwhile is answered by one more.
let tag = "", asking, again, timer
const ask = async () => {
  again = asking
  if (asking) return
  asking = true
  clearTimeout(timer)
  try {
    const answer = await send(dataset.live + location.search.slice(1), {"If-None-Match": tag})
    // The session is over, or its token revoked: the server asks for one.
    if (answer.status === 401) return location.reload()
    if (!answer.ok && answer.status !== 304) throw 0
    const html = await answer.text()
    upMs = +answer.headers.get("x-up-ms")
    nowMs = +answer.headers.get("x-now-ms")
    at = now()
    if (html) adopt(html)
    tag = answer.headers.get("etag")
    failures = 0
    put(id("alert"), "")
    connection("Live", "live")
    ages()
    speak()
  } catch {
    connection(++failures < 8 ? "Reconnecting" : "Offline", "lost")
    if (failures === 2) put(id("alert"), `Lost contact since ${clock()}; showing the last known state`)
  }
  asking = false
  timer = setTimeout(ask, again ? 0 : doc.hidden ? 3e4 : 2e3)
}

// A question is put, and taken back, without leaving the page.
const turn = link => {
  history.replaceState(0, "", link)
  ask()
}
on("click", event => {
  const link = event.target.closest("a[href*='ask='], .confirm a")
  if (!link || chord(event)) return
  event.preventDefault()
  turn(link)
})

// The same forms without leaving the page. What became of it is said for a moment; an error stands
// beside its button.
let until
const tell = text => {
  clearTimeout(until)
  until = setTimeout(tell, 6e3, "")
  put(id("done"), text)
}
on("submit", async event => {
  const button = event.submitter, place = button?.parentNode, keep = place?.querySelector(":scope.confirm > a")
  if (!button?.attributes.formaction) return
  event.preventDefault()
  let text
  one(".wrong", place)?.remove()
  button.ariaBusy = "true"
  try {
    const answer = await send(button.formAction, {Accept: "application/json"}, "POST")
    if (answer.ok && button.matches(".btn-primary")) {
      // It is as long as the list.
      answer.body.cancel()
      tell("refreshed all")
    } else {
      const told = await answer.json()
      if (answer.ok) tell(told.message || `refreshed ${told.name}: ${told.status}`)
      else text = told.detail
    }
  } catch {
    text = "no answer from the daemon; try again"
  }
  if (text) {
    const note = make("span", {className: "wrong"}, text, make("button", {className: "btn btn-sm", type: "button", onclick() {note.remove(); button.focus()}}, "Dismiss"))
    place.append(note)
  }
  button.removeAttribute("aria-busy")
  keep && !text ? turn(keep) : ask()
})

// Keys as in the terminal: off inside fields, and where the reader turned them off.
const step = by => {
  const links = all("tbody th > a:first-child"), row = focused("tr")
  links[Math.max(0, links.findIndex(link => row?.contains(link)) + by)]?.focus()
}
const KEYS = {
  ...id("q") && {
    "/": ["find", () => id("q").focus()],
    j: ["next", () => step(1)],
    k: ["previous", () => step(-1)],
    Enter: ["open"],
  },
  ...one(".btn-primary") && {
    r: ["refresh", () => (focused("tr, .instance") || one(".instance"))?.querySelector("[formaction]")?.click()],
    R: ["refresh all", () => one(".btn-primary").click()],
  },
  Escape: ["leave, show all", () => {
    const keep = one(".confirm > a")
    if (keep) turn(keep)
    else if (location.href !== home) location.href = home
  }],
  "?": ["this list", () => id("help").click()],
}
id("help").onclick = () => {
  const box = make("input", {type: "checkbox", checked: !store.keys, onchange() {store.keys = box.checked ? "" : "off"}})
  const dialog = make("dialog", {ariaLabel: "Keys", onclose() {dialog.remove()}}, make("h2", {}, "Keys"), ...Object.entries(KEYS).map(([key, [text]]) => make("p", {}, make("kbd", {}, key), " " + text)),
    make("form", {method: "dialog"}, make("label", {}, box, " Keys are on"), make("button", {className: "btn"}, "Close")))
  doc.body.append(dialog)
  dialog.showModal()
}
on("keydown", event => {
  const {target, key} = event, run = KEYS[key]?.[1]
  if (chord(event) || one("dialog")) return
  if (target.matches("input, select")) key === "Escape" && target.blur()
  else if (run && !store.keys) run(event.preventDefault())
})
// The system's theme, or the reader's choice.
const theme = name => {
  one("html").dataset.theme = store.theme = name
  put(id("theme"), "Theme: " + name)
}
theme(store.theme || "system")
id("theme").onclick = () => theme({system: "light", light: "dark", dark: "system"}[store.theme])

id("help").hidden = id("theme").hidden = false
put(id("zone"), `times in ${zone("short")} (${zone("shortOffset")})`)
dress(doc)
connection("Live", "live")
setInterval(() => doc.hidden || ages(), 1e3)
on("visibilitychange", () => {if (!doc.hidden) {ages(); ask()}})
on("online", ask)
timer = setTimeout(ask, 500)
