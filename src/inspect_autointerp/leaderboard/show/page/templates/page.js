"use strict";
// The page: what is chosen above decides what the table, the charts and the list of latents show.

const state = { table: null, text: "", floors: true, board: {}, latents: {} };
const field = (id) => document.getElementById(id);

function options(select, names, values = names) {
  const before = select.value;
  select.replaceChildren(...names.map((name, i) => element("option", { value: values[i] }, name)));
  if (values.map(String).includes(before)) select.value = before;
}

function choose() {
  const { tables } = received.content;
  const score = field("score").value;
  options(field("hookpoint"), [...new Set(tables.filter((t) => t.score === score).map((t) => t.hookpoint))]);
  const found = tables.filter((t) => t.score === score && t.hookpoint === field("hookpoint").value);
  options(field("setting"), found.map((t) => `table ${t.number}: graded by ${t.grader}, ${t.prompt}, ${t.n_latents} latents`), found.map((t) => t.number));
  field("setting-label").hidden = found.length < 2;
  const table = found.find((t) => String(t.number) === field("setting").value) ?? found[0];
  if (table !== state.table) {
    Object.assign(state, { table, board: {}, latents: {} });
    options(field("reference"), explainersOf(table).map((e) => e.explainer), explainersOf(table).map((e) => e.number));
    field("reference").selectedIndex = 0;
  }
  show();
}

// What a score says by decile, where that is another statistic than its own.
const FOUND = { balanced_accuracy: "share of activating contexts found" };

// The entries of a table with their numbers, in its order.
function explainersOf(table) {
  return table.entries.map((number) => ({ number, ...received.content.entries[number] }));
}

function fits(...texts) {
  const wanted = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  return wanted.every((word) => texts.some((text) => text.toLowerCase().includes(word)));
}

// Those that the filter leaves; where it leaves none it is of latents, and all stay.
function entriesShown() {
  const all = explainersOf(state.table).filter((entry) => state.floors || !entry.floor);
  const left = all.filter((entry) => fits(entry.explainer));
  return left.length ? left : all;
}

function show() {
  const { table } = state;
  field("common").textContent = `${table.names[table.statistic]} · ${table.n_latents.toLocaleString("en")} latents of ${table.hookpoint} · store ${table.store} · graded by ${table.grader} · ${table.prompt} · ${table.options}`;
  const entries = entriesShown();
  showBoard(table, entries);
  showCharts(table, entries);
  showLatents(table, entries);
}

function showBoard(table, entries) {
  const held = Object.keys(table.names).filter((name) => name !== table.statistic);
  const bounds = entries.flatMap((entry) => [entry.low ?? entry.mean, entry.high ?? entry.mean]).filter(known);
  const least = Math.min(...bounds);
  const most = Math.max(...bounds);
  const columns = [
    { name: "rank", number: true, value: (e) => (known(e.rank_low) ? -e.rank_low : null), cell: (e) => (known(e.rank_low) ? (e.rank_low === e.rank_high ? `${e.rank_low}` : `${e.rank_low}–${e.rank_high}`) : "–"), title: "Rank, and the last place that it could be" },
    { name: "explainer", head: true, value: (e) => e.explainer },
    { name: table.names[table.statistic], number: true, value: (e) => e.mean, cell: (e) => between([e.mean, e.low, e.high]) },
    { name: "95 % interval", number: true, value: (e) => e.low, cell: (e) => bar(e, least, most) },
    { name: "median", number: true, value: (e) => e.median, cell: (e) => shown(e.median) },
    ...held.map((name) => ({ name: table.names[name], number: true, value: (e) => e.estimates[name]?.[0] ?? null, cell: (e) => between(e.estimates[name] ?? []) })),
    { name: "over floor", number: true, value: (e) => e.over_floor, cell: (e) => signed(e.over_floor), title: "Paired difference from the floor that it is least sure to be above" },
    ...(entries.some((e) => known(e.over_random)) ? [{ name: "over random coder", number: true, value: (e) => e.over_random, cell: (e) => signed(e.over_random) }] : []),
    ...(entries.some((e) => known(e.people[0])) ? [{ name: "with people", number: true, value: (e) => e.people[0], cell: (e) => between(e.people), title: "Spearman's coefficient with people's ratings, over latents" }] : []),
    ...(entries.some((e) => known(e.words)) ? [{ name: "words", number: true, value: (e) => e.words, cell: (e) => (known(e.words) ? e.words.toFixed(1) : "–"), title: "Mean length of an explanation" }] : []),
    { name: "unscored", number: true, value: (e) => e.unscored, cell: (e) => (known(e.unscored) ? `${(100 * e.unscored).toFixed(1)} %` : "–") },
    { name: "latents", number: true, value: (e) => e.n, cell: (e) => counted(e.n) },
    { name: "tokens/latent", number: true, value: (e) => e.tokens, cell: (e) => counted(e.tokens) },
    { name: "cost/latent", number: true, value: (e) => e.cost, cell: (e) => (known(e.cost) ? `$${small(e.cost)}` : "–") },
    { name: "log", kind: "plain", value: (e) => e.log, cell: (e) => (e.view ? element("a", { href: viewer(e.view), target: "_blank", rel: "noopener", title: e.log }, "open") : element("span", { title: e.log }, e.created.slice(0, 10))) },
  ];
  grid(field("board-table"), "Explainers", columns, entries, {
    sort: { by: null }, remember: state.board,
    row: (e) => ({ class: [e.floor && "floor", e.above_floor === false && "below"].filter(Boolean).join(" ") }),
  });
}

function between([mean, low, high]) {
  const numbers = [shown(mean)];
  if (known(low)) numbers.push(" ", element("span", { class: "between" }, `[${shown(low)}, ${shown(high)}]`));
  return element("span", { class: "number" }, numbers);
}

function bar(entry, least, most) {
  if (!known(entry.mean)) return "–";
  const x = (value) => 4 + 92 * (most > least ? (value - least) / (most - least) : 0.5);
  const name = `${shown(entry.mean)}, from ${shown(entry.low)} to ${shown(entry.high)}`;
  return element("svg", { class: "bar", viewBox: "0 0 100 12", preserveAspectRatio: "none", role: "img", "aria-label": name },
    element("rect", { x: 0, y: 5.5, width: 100, height: 1 }),
    known(entry.low) ? element("line", { x1: x(entry.low), x2: x(entry.high), y1: 6, y2: 6 }) : null,
    element("line", { x1: x(entry.mean), x2: x(entry.mean), y1: 1.5, y2: 10.5 }));
}

function showCharts(table, entries) {
  const { pairs, correlations, tables } = received.content;
  const place = new Map(table.entries.map((number, i) => [number, colourOf(i)]));
  const colour = (entry) => place.get(entry.number);
  const y = table.names[table.statistic];

  const from = Number(field("reference").value);
  const differences = new Map();
  for (const [first, second, , difference, low, high, , verdict] of pairs[table.number]) {
    if (second === from) differences.set(first, { difference, low, high, verdict });
    if (first === from) {
      const turned = { higher: "lower", lower: "higher", tied: "tied" };
      differences.set(second, { difference: -difference, low: known(high) ? -high : null, high: known(low) ? -low : null, verdict: turned[verdict] });
    }
  }
  const forest = entries.filter((e) => known(differences.get(e.number)?.difference)).map((e) => ({ explainer: e.explainer, ...differences.get(e.number) }));
  chart("forest", forest, ["explainer", "difference", "low", "high", "verdict"]);

  const means = entries.flatMap((e) => e.deciles.map(([decile, mean, low, high]) => ({ explainer: e.explainer, colour: colour(e), floor: e.floor, decile, mean, low, high })));
  chart("deciles", means, ["explainer", "decile", "mean", "low", "high"], { y: FOUND[table.statistic] ?? y });
  for (const name of ["deciles", "cost", "length"]) legend(name, explainersOf(table).map((e) => e.explainer));

  const priced = entries.some((e) => known(e.cost) && e.cost > 0);
  const counted = entries.some((e) => e.explanation_tokens > 0);  // what explaining took, without the scores
  const spentOn = (e) => (counted ? e.explanation_tokens : priced ? e.cost : e.tokens);
  const points = entries.map((e) => ({ explainer: e.explainer, colour: colour(e), spent: spentOn(e), mean: e.mean, low: e.low, high: e.high })).filter((e) => known(e.spent) && known(e.mean));
  for (const point of points) point.front = !points.some((other) => other.spent <= point.spent && other.mean >= point.mean && (other.spent < point.spent || other.mean > point.mean));
  points.sort((a, b) => a.spent - b.spent);
  placed(points, document.querySelector("#cost .plot").clientWidth);
  chart("cost", points, ["explainer", "spent", "mean", "low", "high", "front"], { x: counted ? "tokens per explanation" : priced ? "dollars per latent" : "tokens per latent", y });

  const lengths = entries.map((e) => ({ explainer: e.explainer, colour: colour(e), spent: e.words, mean: e.mean, low: e.low, high: e.high, front: false })).filter((e) => known(e.spent) && known(e.mean));
  lengths.sort((a, b) => a.spent - b.spent);
  document.querySelector("#length").hidden = !lengths.length;  // logs of before do not say how long explanations are
  if (lengths.length) placed(lengths, document.querySelector("#length .plot").clientWidth);
  if (lengths.length) chart("length", lengths, ["explainer", "spent", "mean", "low", "high"], { x: "words per explanation", y });

  const bins = entries.flatMap((e) => {
    const highest = Math.max(1, ...e.bins);
    const strip = e.bins.map((n, i) => ({ explainer: e.explainer, from: table.bins[i], to: table.bins[i + 1], share: n / highest })).filter((bin) => bin.share);
    return known(e.median) ? [...strip, { explainer: e.explainer, q25: e.q25, median: e.median, q75: e.q75 }] : strip;
  });
  chart("spread", bins, ["explainer", "q25", "median", "q75", "from", "to", "share"], { x: y });

  const own = correlations.filter(([store]) => store === table.store);
  options(field("correlated"), [...new Set(own.map(([, explainer]) => explainer))]);
  const column = Number(field("coefficient").value);
  const names = new Map(tables.map((t) => [t.series, t.score]));
  const series = tables.map((t) => t.series);
  const name = (number) => ([...names.values()].filter((other) => other === names.get(number)).length > 1 ? `${names.get(number)} (${number})` : names.get(number));
  const cells = own.filter(([, explainer]) => explainer === field("correlated").value).flatMap((row) => {
    const [, , first, second, n] = row;
    const [r, low, high] = row.slice(column, column + 3);
    return known(r) ? [{ first: name(first), second: name(second), r, low, high, n }, { first: name(second), second: name(first), r, low, high, n }] : [];
  });
  const held = [...new Set(series)].map(name).filter((score) => cells.some((cell) => cell.first === score));
  const whole = [...cells, ...held.map((score) => ({ first: score, second: score, r: 1 }))];
  whole.sort((a, b) => held.indexOf(a.first) - held.indexOf(b.first) || held.indexOf(a.second) - held.indexOf(b.second));
  field("correlations").hidden = !own.length;
  chart("correlations", whole, ["first", "second", "r", "low", "high", "n"]);
}

async function showLatents(table, entries) {
  const [latents, { latents: numbers, values }] = await Promise.all([content("latents"), content(`values-${table.number}`)]);
  if (table !== state.table) return;
  const at = entries.map((entry) => table.entries.indexOf(entry.number));
  const byName = numbers.map((latent, row) => ({ latent, row })).filter(({ latent }) => fits(latents.id[latent]));
  const rows = byName.length || !explainersOf(table).some((e) => fits(e.explainer)) ? byName : numbers.map((latent, row) => ({ latent, row }));
  const spreadOf = ({ row }) => {
    const held = at.map((i) => values[i][row]).filter(known);
    return held.length > 1 ? Math.max(...held) - Math.min(...held) : null;
  };
  const columns = [
    { name: "latent", head: true, value: ({ latent }) => latents.id[latent],
      cell: ({ latent }) => (latents.card[latent] ? element("button", { type: "button", onclick: () => openCard(latent, reachable()) }, latents.id[latent]) : latents.id[latent]) },
    { name: "firing share", number: true, value: ({ latent }) => latents.firing_share[latent], cell: ({ latent }) => small(latents.firing_share[latent]) },
    { name: "maximum", number: true, value: ({ latent }) => latents.max_activation[latent], cell: ({ latent }) => small(latents.max_activation[latent]) },
    { name: "spread", number: true, value: spreadOf, cell: (row) => shown(spreadOf(row)), title: "Largest minus smallest of the explainers shown" },
    ...entries.map((entry, i) => ({ name: entry.explainer, number: true, value: ({ row }) => values[at[i]][row], cell: ({ row }) => shown(values[at[i]][row]) })),
  ];
  const reachable = () => state.latents.rows.map(({ latent }) => latent).filter((latent) => latents.card[latent]);
  grid(field("latents"), "Latents", columns, rows, { sort: { by: null }, remember: state.latents });
  document.body.dataset.ready = "yes";
}

// Tables of graders and of people; in a cell, what follows a line break is an interval.
function showExtra(views) {
  const cell = (text) => text.split("\n").map((line, i) => (i ? element("div", { class: "between" }, line) : line));
  const places = views.map((view, number) => {
    const place = element("div", { class: "wide", role: "region", "aria-labelledby": `extra-${number}`, tabindex: "0" });
    const amount = (row, i) => { const read = Number.parseFloat(row.cells[i].replaceAll(",", "")); return Number.isNaN(read) ? null : read; };
    const columns = view.head.map((name, i) => ({
      name, head: i === 0, number: i >= view.text, value: (row) => (i < view.text ? row.cells[i] : amount(row, i)), cell: (row) => cell(row.cells[i]),
    }));
    const rows = view.rows.map((cells, i) => ({ cells, faint: view.faint[i] }));
    grid(place, view.title, columns, rows, { row: ({ faint }) => ({ class: faint ? "floor below" : null }) });
    return element("section", { class: "extra", "aria-labelledby": `extra-${number}` },
      element("h2", { id: `extra-${number}` }, view.title), place, view.note ? element("p", { class: "note" }, view.note) : null);
  });
  field("extra").replaceChildren(...places);
}

function theme() {
  const order = ["system", "light", "dark"];
  const read = () => { try { return localStorage.getItem("theme") ?? "system"; } catch { return "system"; } };
  const set = (chosen) => {
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    field("theme").textContent = `Theme: ${chosen}`;
    try { localStorage.setItem("theme", chosen); } catch { /* a file's page may have no storage */ }
  };
  let chosen = read();
  set(chosen);
  const redraw = () => showCharts(state.table, entriesShown());
  field("theme").onclick = () => { chosen = order[(order.indexOf(chosen) + 1) % 3]; set(chosen); redraw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

async function open() {
  const { tables, apart } = received.content;
  options(field("score"), [...new Set(tables.map((t) => t.score))]);
  for (const id of ["score", "hookpoint", "setting"]) field(id).onchange = choose;
  for (const id of ["reference", "correlated", "coefficient"]) field(id).onchange = () => showCharts(state.table, entriesShown());
  field("text").oninput = () => { state.text = field("text").value; show(); };
  field("floors").onchange = () => { state.floors = field("floors").checked; show(); };
  field("filters").onsubmit = (event) => event.preventDefault();
  const dialog = field("card");
  field("close").onclick = () => dialog.close();
  dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select")) return;
    if (event.key === "ArrowLeft") field("previous").click();
    if (event.key === "ArrowRight") field("next").click();
  });
  theme();
  field("local").hidden = !(LOCAL && received.content.entries.some((entry) => entry.view));
  if (apart.length) {
    field("apart").hidden = false;
    grid(field("apart-table"), "Not compared", ["explainer", "log", "reason"].map((name, i) => ({ name, head: i === 0, value: (row) => row[i] })), apart);
  }
  showExtra(received.content.extra ?? []);
  if (tables.length) choose();
  const wanted = new URLSearchParams(location.hash.slice(1)).get("latent");
  if (wanted) {
    const latents = await content("latents");
    const latent = latents.id.indexOf(wanted);
    if (latent >= 0 && latents.card[latent]) openCard(latent, [latent]);
  }
}

open();
