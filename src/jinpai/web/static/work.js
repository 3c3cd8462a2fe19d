"use strict";
// Jobs tell how far they are; files are sent up one after the other.
(function () {
  const open = new Map();

  // -- progress ---------------------------------------------------------------------------------
  function follow() {
    for (const [card, source] of open) if (!card.isConnected) { source.close(); open.delete(card); }
    for (const card of document.querySelectorAll("[data-job-events]")) {
      if (open.has(card)) continue;
      const source = new EventSource(card.dataset.jobEvents);
      open.set(card, source);
      source.onmessage = (event) => show(card, source, JSON.parse(event.data));
    }
  }

  function show(card, source, job) {
    if (!card.isConnected) { source.close(); return; }
    const bar = card.querySelector("progress");
    if (job.share === null) bar.removeAttribute("value"); else bar.value = job.share;
    card.querySelector("[data-job-state]").textContent = job.state_text;
    card.querySelector("[data-job-about]").textContent = job.about || "\u00a0";
    if (!job.is_active) { source.close(); over(card); }
  }

  // What came of it takes its place where it stands inside another page, whose typed text stays.
  function over(card) {
    const place = card.dataset.jobThen && card.closest("[aria-live]:not([data-job-events])");
    if (place) htmx.ajax("GET", card.dataset.jobThen, { target: place }); else location.reload();
  }

  document.addEventListener("htmx:load", follow);
  window.addEventListener("load", follow);
  window.addEventListener("pagehide", () => open.forEach((source) => source.close()));

  // -- dropping ---------------------------------------------------------------------------------
  const zoneOf = (event) => event.target instanceof Element && event.target.closest("[data-drop]");
  for (const kind of ["dragover", "dragenter"]) document.addEventListener(kind, (event) => {
    if (!event.dataTransfer || !Array.from(event.dataTransfer.types).includes("Files")) return;
    event.preventDefault();
    const zone = zoneOf(event);
    document.querySelectorAll("[data-drop]").forEach((one) => one.classList.toggle("jp-over", one === zone));
  });
  document.addEventListener("drop", async (event) => {
    const zone = document.querySelector("[data-drop]");
    if (!zone || !event.dataTransfer || !event.dataTransfer.items) return;
    event.preventDefault();
    zone.classList.remove("jp-over");
    const entries = Array.from(event.dataTransfer.items, (item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
    const found = [];
    for (const entry of entries) await walk(entry, "", found);
    send(zone, found);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-files]")) return;
    const found = Array.from(event.target.files, (file) => ({ file, name: file.webkitRelativePath || file.name }));
    send(zoneOf(event), found);
    event.target.value = "";
  });

  async function walk(entry, above, found) {
    const name = above + entry.name;
    if (entry.isFile) {
      found.push({ name, file: await new Promise((done, fail) => entry.file(done, fail)) });
      return;
    }
    const reader = entry.createReader();
    for (;;) {  // a folder is told in parts
      const part = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!part.length) return;
      for (const one of part) await walk(one, name + "/", found);
    }
  }

  async function send(zone, found) {
    const told = zone.querySelector("[data-drop-told]"), bar = zone.querySelector("progress");
    const large = found.find((one) => one.file.size > Number(zone.dataset.most));
    if (large) { told.textContent = zone.dataset.large.replace("{name}", large.name); return; }
    if (!found.length || zone.dataset.busy) return;
    zone.dataset.busy = "1";
    bar.hidden = false;
    try {
      const batch = JSON.parse(await post(zone, zone.dataset.batches, null));
      const all = found.reduce((sum, one) => sum + one.file.size, 0) || 1;
      let sent = 0;
      for (const [at, one] of found.entries()) {
        told.textContent = zone.dataset.sending.replace("{n}", at + 1).replace("{all}", found.length).replace("{name}", one.name);
        const before = sent;
        await post(zone, batch.files + (batch.files.includes("?") ? "&" : "?") + "name=" + encodeURIComponent(one.name), one.file, (part) => { bar.value = (before + part) / all; });
        sent += one.file.size;
      }
      await post(zone, batch.look, null);
      location.assign(batch.page);
    } catch (error) {
      told.textContent = zone.dataset.failed + error.message;
      bar.hidden = true;
      delete zone.dataset.busy;
    }
  }

  function post(zone, url, body, onPart) {
    return new Promise((done, fail) => {
      const asked = new XMLHttpRequest();
      asked.open("POST", url);
      asked.setRequestHeader("X-CSRF-Token", zone.dataset.csrf);
      asked.setRequestHeader("Accept", "application/json");
      if (body) asked.setRequestHeader("Content-Type", "application/octet-stream");
      if (onPart) asked.upload.onprogress = (event) => onPart(event.loaded);
      asked.onload = () => (asked.status < 400 ? done(asked.responseText) : fail(new Error(reason(asked))));
      asked.onerror = () => fail(new Error(String(asked.status)));
      asked.send(body);
    });
  }

  function reason(asked) {
    try {
      const error = JSON.parse(asked.responseText).error;
      return document.documentElement.lang.startsWith("zh") ? error.message_zh : error.message;
    } catch { return String(asked.status); }
  }
})();
