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

  const replace = (region, fresh) => {
    const hadFocus = region.contains(document.activeElement) ? focusKey(document.activeElement) : null;
    const open = [...region.querySelectorAll("details[open][id]")].map((element) => element.id);
    const next = document.importNode(fresh, true);
    region.replaceWith(next);
    for (const id of open) next.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    if (hadFocus) next.querySelector(hadFocus)?.focus({ preventScroll: true });
    next.classList.add("changed");
  };

  const announcements = (root) => new Set([...root.querySelectorAll("[data-announce]")].map((element) => element.dataset.announce));
  let isRefreshing = false;
  let isStale = false;
  const refresh = async () => {
    if (isRefreshing) { isStale = true; return; }
    isRefreshing = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") { location.assign(answer.url); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const before = announcements(document);
      for (const region of document.querySelectorAll("[data-live]")) {
        const fresh = page.querySelector(`[data-live="${CSS.escape(region.dataset.live)}"]`);
        if (!fresh || isBusy(region) || fingerprint(region) === fingerprint(fresh)) continue;
        replace(region, fresh);
      }
      // A banner that was not there has no region to replace: it goes in front of the content.
      const storm = page.querySelector('[data-live="storm"]');
      const shown = document.querySelector('[data-live="storm"]');
      if (storm && !shown) document.getElementById("main").before(document.importNode(storm, true));
      if (!storm && shown) shown.remove();
      document.querySelector("nav ul")?.replaceWith(document.importNode(page.querySelector("nav ul"), true));
      const news = [...announcements(document)].filter((text) => !before.has(text));
      if (news.length > 0) document.getElementById("announcer").textContent = news.slice(0, 3).join(" ");
      tick();
      addCopyButtons();
    } finally {
      isRefreshing = false;
      if (isStale) { isStale = false; refresh(); }
    }
  };

  const watch = () => {
    const address = document.body.dataset.events;
    if (!address || !window.EventSource) return;
    const sign = document.getElementById("live");
    const stream = new EventSource(`${address}?since=${encodeURIComponent(document.body.dataset.version)}`);
    stream.addEventListener("open", () => { sign.hidden = false; sign.classList.remove("lost"); sign.textContent = "Live"; });
    stream.addEventListener("board", refresh);
    stream.addEventListener("error", () => { sign.hidden = false; sign.classList.add("lost"); sign.textContent = "Not live: reconnecting"; });
    window.addEventListener("pagehide", () => stream.close());
  };

  tick();
  addCopyButtons();
  watch();
  setInterval(tick, 1000);
  document.getElementById("said")?.focus();
})();
