"use strict";
// A page of a site that means harm to the daemon at `?at=`. Each way to write is tried on each
// address that changes something, each way to read on each that shows something.
const asked = new URLSearchParams(location.search);
const at = asked.get("at"), token = asked.get("token");
// `sent`: what must arrive, as "METHOD target". `read`: bytes or other signs by "way path".
// `texts`: what could be read as text.
const outcome = window.outcome = { sent: [], read: {}, texts: {}, failed: [], done: false };
// A page that is on the same origin as its target need not ask first.
const isSame = at === location.origin;
const { body } = document;
const add = (kind, settings, into = body) => {
  const node = Object.assign(document.createElement(kind), settings);
  into.append(node);
  return node;
};
const ends = (node, ...kinds) => new Promise((end) => kinds.forEach((kind) => { node["on" + kind] = () => end(kind); }));
const pathOf = (url) => url.slice(at.length);
const sends = (method, url) => outcome.sent.push(`${method} ${pathOf(url)}`);
const fields = (way) => ({ name: `forged-${way}`, ip: "192.0.2.66", token });
const json = (way) => JSON.stringify(fields(way));
const quoted = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

let frames = 0;
const submit = async (url, values, settings = {}) => {
  const target = settings.target || `sink-${frames += 1}`;
  const answered = settings.target ? null : ends(add("iframe", { name: target }), "load");
  const form = add("form", { action: url, method: "post", target, ...settings });
  for (const [name, value] of Object.entries(values)) add("input", { type: "hidden", name, value }, form);
  form.submit();
  await answered;
};
const markup = (url, way) => `<form method=post action="${quoted(url)}"><input name=name value=forged-${way}><input name=ip value=192.0.2.66><input name=token value="${token}"></form><script>document.forms[0].submit()</script>`;
const boxed = "allow-scripts allow-forms";
const ask = (url, method, mode, headers, text) => fetch(url, { method, mode, credentials: "include", headers, body: text });

const WRITES = {
  "form": (url, way) => { sends("POST", url); return submit(url, fields(way)); },
  "form-text": (url, way) => {
    sends("POST", url);
    const [name, value] = json(way).split(/(?<=^{)/);
    return submit(url, { [`${name}"x":"`]: `",${value}` }, { enctype: "text/plain" });
  },
  "form-parts": (url, way) => { sends("POST", url); return submit(url, fields(way), { enctype: "multipart/form-data" }); },
  "form-bare": (url, way) => { sends("POST", url); return submit(url, fields(way), { rel: "noreferrer" }); },
  "form-bounced": (url, way) => { sends("POST", url); return submit("/bounce?to=" + encodeURIComponent(url), fields(way)); },
  "fetch-blind": (url, way) => { sends("POST", url); return ask(url, "POST", "no-cors", { "Content-Type": "text/plain" }, json(way)); },
  "fetch-simple": (url, way) => { sends("POST", url); return ask(url, "POST", "cors", { "Content-Type": "text/plain" }, json(way)); },
  "fetch-json": (url, way) => { sends(isSame ? "POST" : "OPTIONS", url); return ask(url, "POST", "cors", { "Content-Type": "application/json" }, json(way)); },
  "fetch-delete": (url) => {
    const service = url.replace("/deregister/", "/services/");
    sends(isSame ? "DELETE" : "OPTIONS", service);
    return ask(service, "DELETE", "cors");
  },
  "fetch-boxed": async (url, way) => {
    sends("POST", url);
    const options = JSON.stringify({ method: "POST", mode: "no-cors", credentials: "include", body: json(way) });
    const script = `fetch(${JSON.stringify(url)}, ${options}).finally(() => parent.postMessage("", "*"))`;
    const answered = ends(window, "message");
    add("iframe", { sandbox: "allow-scripts", srcdoc: `<script>${script}</script>` });
    await answered;
  },
  "xhr": async (url, way) => {
    sends("POST", url);
    const asking = new XMLHttpRequest();
    asking.open("POST", url);
    asking.withCredentials = true;
    asking.send(json(way));
    await ends(asking, "loadend");
  },
  // Of what follows the page is not told when it has ended: the test waits until it has arrived.
  "form-window": (url, way) => { sends("POST", url); return submit(url, fields(way), { target: "_blank" }); },
  "form-boxed": (url, way) => { sends("POST", url); add("iframe", { sandbox: boxed, srcdoc: markup(url, way) }); },
  "form-opaque": (url, way) => { sends("POST", url); add("iframe", { src: "data:text/html," + encodeURIComponent(markup(url, way)) }); },
  "beacon": (url, way) => { sends("POST", url); navigator.sendBeacon(url, json(way)); },
  "ping": (url) => { sends("POST", url); add("a", { href: "#", ping: url }).click(); },
  "report": (url) => { sends("POST", url); add("iframe", { src: "/report?to=" + encodeURIComponent(url) }); },
};
const targets = (way) => ["/register", `/heartbeat/${way}`, `/deregister/${way}`, `/refresh/${way}`, "/refresh_all", "/sign-out", "/sign-in"];

const textOf = async (answer) => { const text = await answer.text(); return text; };
const FRAMES = { iframe: "src", object: "data", embed: "src" };
const READS = {
  "fetch": async (url) => textOf(await fetch(url)),
  "fetch-signed-in": async (url) => textOf(await fetch(url, { credentials: "include" })),
  "fetch-blind": async (url) => textOf(await fetch(url, { mode: "no-cors", credentials: "include" })),
  "xhr": async (url) => {
    const asking = new XMLHttpRequest();
    asking.open("GET", url);
    asking.withCredentials = true;
    asking.send();
    await ends(asking, "loadend");
    return asking.responseText;
  },
  "event-source": async (url) => {
    const source = new EventSource(url, { withCredentials: true });
    const kind = await ends(source, "message", "error");
    source.close();
    return kind === "message" ? kind : "";
  },
  "socket": async (url) => {
    const socket = new WebSocket(url.replace("http", "ws"));
    const kind = await ends(socket, "open", "error");
    socket.close();
    return kind === "open" ? kind : "";
  },
  "image": async (url) => {
    const image = add("img", { src: url });
    return (await ends(image, "load", "error")) === "load" ? `${image.naturalWidth} px` : "";
  },
  "script": async (url) => (await ends(add("script", { src: url }), "load", "error")) === "load" ? "ran" : "",
  "module": async (url) => Object.keys(await import(url)).join() || "ran",
  "style": async (url) => (await ends(add("link", { rel: "stylesheet", href: url }), "load", "error")) === "load" ? "applied" : "",
  "worker": async (url) => {
    const script = `try { importScripts(${JSON.stringify(url)}); postMessage("ran"); } catch { postMessage(""); }`;
    const worker = new Worker(URL.createObjectURL(new Blob([script])));
    const said = new Promise((end) => { worker.onmessage = ({ data }) => end(data); });
    return said;
  },
};
const SHOWN = ["/", "/rows", "/services", "/services/form", "/s/form", "/events", "/gone", "/metrics", "/healthz", "/openapi.json", "/assets/app.js", "/assets/app.css", "/assets/up.svg"];

// A way that does not work ends with an error, as the browser says it.
const attempt = async (way, path, work) => {
  const name = `${way} ${path}`;
  outcome.read[name] = 0;
  try {
    const text = await work() || "";
    outcome.read[name] = text.length;
    if (text) outcome.texts[name] = text;
  } catch (error) {
    outcome.failed.push(`${name}: ${error}`);
  }
};
const reads = async () => {
  for (const [way, work] of Object.entries(READS)) {
    await Promise.all(SHOWN.map((path) => {
      outcome.sent.push(`GET ${path}`);
      return attempt(way, path, () => work(at + path));
    }));
  }
  // What the browser itself tells of sizes and statuses.
  let told = 0;
  for (const { name, responseStatus, encodedBodySize, decodedBodySize } of performance.getEntriesByType("resource")) {
    if (name.startsWith(at) && !isSame) told += responseStatus + encodedBodySize + decodedBodySize;
  }
  outcome.read["timing of all"] = told;
  for (const [kind, key] of Object.entries(FRAMES)) {
    for (const path of [`/?q=${kind}`, `/services?q=${kind}`]) {
      outcome.sent.push(`GET ${path}`);
      shown[`${kind} ${path}`] = () => node.contentDocument;
      const node = add(kind, { [key]: at + path });
    }
  }
  // Last: when this is shown, so is whatever may be.
  outcome.sent.push("GET /?q=window");
  const opened = open(`${at}/?q=window`);
  shown["window /?q=window"] = () => opened.document;
};
// What the frames and the window show; asked for by the test, which knows when all has arrived.
const shown = {};
window.look = () => {
  for (const [name, node] of Object.entries(shown)) {
    let text = "";
    try {
      text = node()?.documentElement.textContent ?? "";
    } catch (error) {
      outcome.failed.push(`${name}: ${error}`);
    }
    outcome.read[name] = text.length;
    if (text) outcome.texts[name] = text;
  }
  return outcome;
};
const writes = async () => {
  for (const [way, work] of Object.entries(WRITES)) {
    for (const path of targets(way)) {
      try {
        await work(at + path, way);
      } catch (error) {
        outcome.failed.push(`${way} ${path}: ${error}`);
      }
    }
  }
};
writes().then(reads).catch((error) => outcome.failed.push(`the page itself: ${error}`)).finally(() => { outcome.done = true; });
