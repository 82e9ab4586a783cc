// Makes the pages better, never necessary: live updates, running clocks, a copy button. Builds no HTML from text.
"use strict";
(() => {
  const pad = (number) => String(number).padStart(2, "0");
  // The same words as the server's: see ConsoleText.swift.
  const span = (milliseconds) => {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60)} min`;
    return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
  };
  const tick = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll("[data-since]")) {
      const text = `T+${span(now - Date.parse(element.dataset.since))}`;
      if (element.textContent !== text) element.textContent = text;
    }
    for (const element of document.querySelectorAll("time[data-relative] .soft")) {
      const distance = now - Date.parse(element.parentElement.dateTime);
      const text = distance < 0 ? `(in ${span(-distance)})` : `(${span(distance)} ago)`;
      if (element.textContent !== text) element.textContent = text;
    }
  };

  const addCopyButtons = () => {
    for (const line of document.querySelectorAll(".command:not(.ready)")) {
      line.classList.add("ready");
      if (!navigator.clipboard) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(line.querySelector("code").textContent);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed: select the text";
        }
      });
      line.append(button);
    }
  };

  // A region in which somebody is typing is left alone.
  const isBusy = (region) => {
    if (region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
    return [...region.querySelectorAll("input:not([type=hidden]), textarea")].some((field) => field.value !== field.defaultValue);
  };
  // Two renderings of the same board differ in clocks only; those run by themselves.
  const fingerprint = (region) => {
    const copy = region.cloneNode(true);
    for (const clock of copy.querySelectorAll("[data-since], time[data-relative] .soft, .took")) clock.textContent = "";
    for (const button of copy.querySelectorAll("button.copy")) button.remove();
    for (const element of [copy, ...copy.querySelectorAll(".ready, .changed")]) element.classList.remove("ready", "changed");
    for (const element of copy.querySelectorAll("details")) element.removeAttribute("open");
    return copy.innerHTML.replaceAll(' class=""', "");
  };
  const focusKey = (element) => element && (element.id ? `#${CSS.escape(element.id)}` : element.getAttribute("href") && `a[href="${CSS.escape(element.getAttribute("href"))}"]`);

  const parse = (html) => {
    const element = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    return element && document.importNode(element, true);
  };
  const replace = (region, next) => {
    const hadFocus = region.contains(document.activeElement) ? focusKey(document.activeElement) : null;
    const open = [...region.querySelectorAll("details[open][id]")].map((element) => element.id);
    region.replaceWith(next);
    for (const id of open) next.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    if (hadFocus) next.querySelector(hadFocus)?.focus({ preventScroll: true });
    next.classList.add("changed");
  };

  // What came for a region in which somebody types: it is put there when they have left it.
  const kept = new Map();
  const put = (name, html) => {
    const region = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
    if (!region) return;
    if (isBusy(region)) { kept.set(name, html); return; }
    kept.delete(name);
    const next = parse(html);
    if (!next) return;
    if (fingerprint(region) !== fingerprint(next)) replace(region, next);
  };
  const putKept = () => { for (const [name, html] of [...kept]) put(name, html); };

  const putRows = (rows, order) => {
    const list = document.querySelector("[data-list]");
    if (!list) return;
    const shown = new Map([...list.children].map((row) => [row.id, row]));
    const hadFocus = list.contains(document.activeElement) ? focusKey(document.activeElement) : null;
    const next = order.map((id) => {
      const old = shown.get(`i-${id}`);
      if (rows[id] === undefined) return old;
      const fresh = parse(rows[id]);
      if (old && fingerprint(old) === fingerprint(fresh)) return old;
      fresh.classList.add("changed");
      return fresh;
    });
    if (next.some((row) => !row)) { location.reload(); return; }
    if (next.length !== list.children.length || next.some((row, index) => row !== list.children[index])) list.replaceChildren(...next);
    if (hadFocus && !list.contains(document.activeElement)) list.querySelector(hadFocus)?.focus({ preventScroll: true });
  };

  const announcements = () => new Set([...document.querySelectorAll("[data-announce]")].map((element) => element.dataset.announce));
  const update = (news) => {
    if (news.gone) { location.reload(); return; }
    const before = announcements();
    for (const [name, html] of Object.entries(news.parts)) put(name, html);
    if (news.order) putRows(news.rows, news.order);
    const words = [...announcements()].filter((text) => !before.has(text));
    if (words.length > 0) document.getElementById("announcer").textContent = words.slice(0, 3).join(" ");
    tick();
    addCopyButtons();
  };

  const watch = () => {
    const address = document.body.dataset.events;
    if (!address || !window.EventSource) return;
    const sign = document.getElementById("live");
    const query = new URLSearchParams({ since: document.body.dataset.version, page: document.body.dataset.page });
    const stream = new EventSource(`${address}?${query}`);
    stream.addEventListener("open", () => { sign.hidden = false; sign.classList.remove("lost"); sign.textContent = "Live"; });
    stream.addEventListener("board", (event) => update(JSON.parse(event.data)));
    stream.addEventListener("error", () => {
      sign.hidden = false;
      sign.classList.add("lost");
      sign.textContent = "Not live: reconnecting";
      // Refused, not only lost: signed out, or too many streams.
      if (stream.readyState === EventSource.CLOSED) again();
    });
    window.addEventListener("pagehide", () => stream.close(), { once: true });
  };
  const isTyping = () => [...document.querySelectorAll("main")].some(isBusy);
  const again = async () => {
    try {
      const answer = await fetch(location.href, { method: "HEAD", cache: "no-store", credentials: "same-origin" });
      const isSignedOut = answer.redirected && new URL(answer.url).pathname === "/sign-in";
      if (isSignedOut && !isTyping()) { location.assign(answer.url); return; }
    } catch {
      // The server is away: it is tried again below.
    }
    setTimeout(watch, 30000);
  };

  tick();
  addCopyButtons();
  watch();
  document.addEventListener("focusout", () => setTimeout(putKept));
  setInterval(tick, 1000);
  document.getElementById("said")?.focus();
})();
