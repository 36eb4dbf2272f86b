"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const contentText = $("content").textContent;
  const content = JSON.parse(contentText);
  const scale = JSON.parse($("scale").textContent);
  const questions = {
    detection: "Does the explanation apply to these texts?",
    scale: "How relevant is the explanation to the coloured parts?",
    preference: "Which explanation fits the coloured parts better?",
  };
  const choices = {
    detection: [[1, "1", "It applies"], [0, "0", "It does not"]],
    scale: scale.map((label, i) => [i + 1, String(i + 1), label]),
    preference: [[1, "1", "The first"], [2, "2", "The second"], [0, "0", "Neither is better"]],
  };

  // CRC-32 of UTF-8, as Python's zlib.crc32.
  const table = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    return c >>> 0;
  });
  const crc = (text) => {
    let c = 0xffffffff;
    for (const byte of new TextEncoder().encode(text)) c = table[(c ^ byte) & 255] ^ (c >>> 8);
    return ((c ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
  };
  // Small generator of random numbers (mulberry32): every rater has an order of their own, the same after a reload.
  const generator = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  const prefix = `autointerp-rate-${content.sheet}-`;
  let state = null; // what is saved: rater, session, consent, started, answers, history, place
  let items = [];
  let current = 0; // the question of the screen that a key answers
  let since = 0; // when the time of the current question began
  let seen = 0; // milliseconds on this screen
  let exported = true;

  const warn = (text) => { $("warning").textContent = text; $("warning").hidden = false; };
  const tell = (text) => { $("status").textContent = text; };
  const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const save = () => {
    exported = false;
    try {
      localStorage.setItem(prefix + state.rater, JSON.stringify(state));
    } catch {
      warn("This browser cannot save your progress. Do not close the page before you have saved your answers as a file.");
    }
  };

  if (crc(contentText) !== document.body.dataset.checksum) warn("This page was changed after it was made. Please ask for a new one.");

  const nQuestions = (item) => (item.task === "preference" ? 1 : item.parts.length);
  const total = content.items.reduce((n, item) => n + nQuestions(item), 0);
  const answerOf = (item, part) => state.answers[`${item.id}/${part}`];
  const nAnswered = () => Object.keys(state.answers).length;

  const arrange = () => {
    const random = generator(parseInt(crc(content.sheet + "\n" + state.rater), 16));
    const shuffle = (list) => {
      for (let i = list.length - 1; i > 0; i--) {
        const j = Math.floor(random() * (i + 1));
        [list[i], list[j]] = [list[j], list[i]];
      }
      return list;
    };
    items = ["detection", "scale", "preference"].flatMap((task) => shuffle(content.items.filter((item) => item.task === task)));
    items = items.map((item) => ({ ...item, swap: item.task === "preference" && random() < 0.5 }));
  };
  // Answers are kept in the file's order of two explanations, whichever stood first on the screen.
  const stored = (item, value) => (item.swap && value > 0 ? 3 - value : value);

  const element = (name, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(name), properties);
    node.append(...children);
    return node;
  };
  const coloured = (pieces) => {
    const line = element("div", { className: "text", dir: "ltr" });
    for (const [text, depth] of pieces) line.append(depth ? element("b", { className: `h${depth}`, role: "mark" }, text) : text);
    return line;
  };

  const show = (section) => { for (const id of ["start", "work", "end"]) $(id).hidden = id !== section; };

  const fieldset = (item, number, children) => {
    const set = element("fieldset", {});
    set.dataset.part = number;
    const n = nQuestions(item);
    set.append(element("legend", {}, n > 1 ? `Text ${number + 1} of ${n}` : "Your choice"), ...children);
    const row = element("div", { className: "choices" });
    for (const [value, key, label] of choices[item.task]) {
      const input = element("input", { type: "radio", name: `part-${number}`, value: String(value) });
      const given = answerOf(item, number);
      input.checked = given !== undefined && given.value === stored(item, value);
      input.addEventListener("change", () => answer(number, value));
      row.append(element("label", {}, input, element("kbd", { ariaHidden: "true" }, key), label));
    }
    set.append(row);
    set.addEventListener("focusin", () => { if (current !== number) { current = number; mark(); } });
    return set;
  };

  const render = (focus = true) => {
    if (state.place >= items.length) return finish();
    show("work");
    const item = items[state.place];
    $("question").textContent = questions[item.task];
    const order = item.swap ? [1, 0] : item.explanations.map((_, i) => i);
    $("explanations").replaceChildren(...order.map((which, i) => element("div", { className: "explanation" },
      element("h3", {}, order.length > 1 ? `Explanation ${i + 1}` : "Explanation"),
      element("div", { dir: "auto" }, item.explanations[which]))));
    if (item.task === "preference") {
      const texts = item.parts.map((pieces) => element("div", { className: "shown" }, coloured(pieces)));
      $("parts").replaceChildren(...texts, fieldset(item, 0, []));
    } else {
      $("parts").replaceChildren(...item.parts.map((pieces, number) => fieldset(item, number, [coloured(pieces)])));
    }
    const open = [...Array(nQuestions(item)).keys()].find((part) => !answerOf(item, part));
    current = open ?? 0;
    $("keys").replaceChildren(element("span", { className: "touchless" },
      "Keys: ", ...choices[item.task].flatMap(([, key, label]) => [element("kbd", {}, key), ` ${label.toLowerCase()}, `]),
      element("kbd", {}, "Enter"), " next, ", element("kbd", {}, "Backspace"), " undo, ",
      element("kbd", {}, "↑"), " ", element("kbd", {}, "↓"), " another text."));
    seen = 0;
    since = performance.now();
    update();
    if (focus) { $("question").focus({ preventScroll: true }); window.scrollTo(0, 0); }
  };

  const mark = () => {
    for (const set of $("parts").querySelectorAll("fieldset")) set.classList.toggle("current", Number(set.dataset.part) === current);
  };
  const update = () => {
    const item = items[state.place];
    mark();
    $("progress").value = nAnswered() / total;
    $("count").textContent = `Screen ${state.place + 1} of ${items.length}`;
    $("progress").setAttribute("aria-valuetext", `${nAnswered()} of ${total} questions answered`);
    $("back").disabled = state.place === 0;
    $("undo").disabled = state.history.length === 0;
    $("next").disabled = ![...Array(nQuestions(item)).keys()].every((part) => answerOf(item, part));
  };

  const elapsed = () => (document.hidden ? 0 : performance.now() - since);
  const answer = (number, value) => {
    const item = items[state.place];
    const key = `${item.id}/${number}`;
    const before = state.answers[key] ?? null;
    const ms = Math.round(seen + elapsed()) + (before ? before.ms : 0);
    seen = 0;
    since = performance.now();
    state.answers[key] = { value: stored(item, value), ms, changes: before ? before.changes + 1 : 0 };
    state.history.push([state.place, number, before]);
    save();
    const open = [...Array(nQuestions(item)).keys()].find((part) => !answerOf(item, part));
    if (open !== undefined) current = open;
    const radio = $("parts").querySelector(`fieldset[data-part="${number}"] input[value="${value}"]`);
    if (radio) radio.checked = true;
    update();
    if (open !== undefined && open !== number) {
      const behaviour = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
      $("parts").querySelector(`fieldset[data-part="${open}"]`).scrollIntoView({ block: "nearest", behavior: behaviour });
    }
    tell(open === undefined ? "Every question of this screen is answered." : "");
  };
  const undo = () => {
    const last = state.history.pop();
    if (!last) return;
    const [place, number, before] = last;
    const key = `${items[place].id}/${number}`;
    if (before) state.answers[key] = before; else delete state.answers[key];
    state.place = place;
    save();
    render(false);
    current = number;
    mark();
    tell("The last answer was taken back.");
  };
  const go = (by) => {
    if (by > 0 && $("next").disabled) return tell("Please answer every question of this screen.");
    state.place = Math.max(0, Math.min(items.length, state.place + by));
    save();
    tell("");
    render();
  };
  const finish = () => {
    show("end");
    $("end-text").textContent = `You have answered ${nAnswered()} of ${total} questions. Save your answers as a file and hand it to whoever asked you.`;
    $("end-title").focus();
  };

  const exportAnswers = () => {
    const rows = [];
    for (const item of content.items) {
      for (let part = 0; part < nQuestions(item); part++) {
        const given = answerOf(item, part);
        if (given) rows.push({ item: item.id, part, value: given.value, ms: given.ms, changes: given.changes });
      }
    }
    const lines = [content.sheet, state.rater, state.session, ...rows.map((row) => `${row.item} ${row.part} ${row.value} ${row.ms} ${row.changes}`)];
    const record = {
      format: document.body.dataset.format, sheet: content.sheet, content: crc(contentText), rater: state.rater,
      session: state.session, consent: state.consent, started: state.started, saved: new Date().toISOString(),
      questions: total, answered: rows.length, answers: rows, checksum: crc(lines.join("\n")),
    };
    const url = URL.createObjectURL(new Blob([JSON.stringify(record, null, 1)], { type: "application/json" }));
    const name = state.rater.replace(/[^A-Za-z0-9_-]+/g, "-");
    const link = element("a", { href: url, download: `ratings-${content.sheet.slice(0, 6)}-${name}.json` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    exported = true;
    tell(`${rows.length} answers were saved as a file.`);
  };

  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  $("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    const rater = $("rater").value.trim();
    if (!rater) return $("rater").focus();
    let saved = null;
    try { saved = JSON.parse(read(prefix + rater) ?? "null"); } catch { saved = null; }
    const now = new Date().toISOString();
    state = saved ?? { rater, session: random(), consent: now, started: now, answers: {}, history: [], place: 0 };
    arrange();
    save();
    render();
    if (saved) tell(`Your ${nAnswered()} answers were kept; you go on where you were.`);
  });
  $("next").addEventListener("click", () => go(1));
  $("back").addEventListener("click", () => go(-1));
  $("undo").addEventListener("click", undo);
  $("review").addEventListener("click", () => { state.place = items.length - 1; save(); render(); });
  $("export").addEventListener("click", exportAnswers);
  $("export-early").addEventListener("click", exportAnswers);

  document.addEventListener("keydown", (event) => {
    if ($("work").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = items[state.place];
    const choice = choices[item.task].find(([, key]) => key === event.key);
    if (choice) {
      event.preventDefault();
      answer(current, choice[0]);
    } else if (event.key === "Enter" && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      go(1);
    } else if (event.key === "Backspace") {
      event.preventDefault();
      undo();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.type !== "radio") {
      event.preventDefault();
      current = Math.max(0, Math.min(nQuestions(item) - 1, current + (event.key === "ArrowDown" ? 1 : -1)));
      mark();
      $("parts").querySelector(`fieldset[data-part="${current}"]`).scrollIntoView({ block: "nearest" });
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) seen += performance.now() - since;
    since = performance.now();
  });
  setInterval(() => {
    if ($("work").hidden || document.hidden) return;
    const seconds = Math.round((Object.values(state.answers).reduce((sum, one) => sum + one.ms, 0) + seen + elapsed()) / 1000);
    $("timer").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }, 1000);
  window.addEventListener("beforeunload", (event) => {
    if (state && !exported && !$("warning").hidden) event.preventDefault();
  });
  const kept = (() => {
    try { return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)); } catch { return []; }
  })();
  if (kept.length) {
    $("resume").textContent = `This browser holds unfinished or finished answers of ${kept.join(", ")}. Enter the same rater id to go on.`;
    $("resume").hidden = false;
  }
  document.body.dataset.ready = "yes";
})();
