"use strict";
// A latent's card: what each explainer says of it, and what the grader made of that, context by context.

const MARKS = { w: ["✗", "wrong"], r: ["✓", "right"], u: ["?", "unscored"], "": ["", ""] };

// With more explainers than this a verdict is its sign alone, and what was said is in its title.
const WORDY = 8;

async function openCard(latent, neighbours) {
  const { tables, entries } = received.content;
  const latents = await content("latents");
  const dialog = document.getElementById("card");
  const body = document.getElementById("card-body");
  document.getElementById("card-title").textContent = latents.id[latent];
  const at = neighbours.indexOf(latent);
  for (const [id, step] of [["previous", -1], ["next", 1]]) {
    const button = document.getElementById(id);
    const other = neighbours[at + step];
    button.disabled = at < 0 || other === undefined;
    button.onclick = () => openCard(other, neighbours);
  }
  body.replaceChildren(element("p", {}, "Loading …"));
  if (!dialog.open) dialog.showModal();
  history.replaceState(null, "", `#latent=${encodeURIComponent(latents.id[latent])}`);
  try {
    await load(`cards/${latent}.js`);
  } catch (error) {
    body.replaceChildren(element("p", {}, error.message));
    return;
  }
  const records = cards.get(latent) ?? [];
  const contexts = records.flatMap((record) => record.contexts);
  await Promise.all([...new Set(records.map((record) => entries[record.entry].table))].map((number) => content(`values-${number}`)));
  const explainers = [...new Set(records.map((record) => entries[record.entry].explainer))];
  const scores = [...new Set(records.map((record) => tables.find((t) => t.number === entries[record.entry].table)))];
  const facts = element("p", { class: "note" },
    `${latents.hookpoint[latent]} · fires on ${small(latents.firing_share[latent])} of windows · maximum ${small(latents.max_activation[latent])}`);
  const link = records.find((record) => record.link)?.link;
  if (link) facts.append(" · ", element("a", { href: link, rel: "noreferrer" }, "on Neuronpedia"));
  const choice = element("select", { id: "card-score" }, scores.map((table) => element("option", { value: table.number }, label(table, scores))));
  const failed = element("input", { type: "checkbox", id: "card-failed" });
  const verdicts = element("div", {});
  const current = state.table && scores.some((table) => table.number === state.table.number) ? state.table.number : scores[0]?.number;
  if (current) choice.value = current;
  const show = () => verdicts.replaceChildren(...verdictsOf(records.filter((r) => entries[r.entry].table === Number(choice.value)), contexts, explainers, failed.checked));
  choice.onchange = show;
  failed.onchange = show;
  body.replaceChildren(facts, said(records, explainers, scores, latent),
    element("div", { class: "tools" },
      element("label", {}, "Verdicts of ", choice), element("label", {}, failed, " only where one failed")),
    verdicts);
  if (current) show();
  dialog.scrollTop = 0;
}

function label(table, among) {
  return among.filter((other) => other.score === table.score).length > 1 ? `${table.score} (table ${table.number})` : table.score;
}

// The explanations, side by side with what every score gave them.
function said(records, explainers, scores, latent) {
  const { entries } = received.content;
  const valueIn = (table, own) => valueOf(own.find((r) => entries[r.entry].table === table.number)?.entry, latent);
  const rows = explainers.map((explainer, i) => ({ explainer, i, own: records.filter((r) => entries[r.entry].explainer === explainer) }));
  const columns = [
    { name: "#", value: (row) => row.i + 1, cell: (row) => element("span", { class: "tag" }, String(row.i + 1)) },
    { name: "explainer", head: true, value: (row) => row.explainer },
    { name: "explanation", kind: "said", value: (row) => row.own.find((r) => known(r.said))?.said ?? null,
      cell: (row) => element("span", { dir: "ltr" }, text(row.own)) },
    ...scores.map((table) => ({
      name: label(table, scores), number: true,
      value: (row) => valueIn(table, row.own), cell: (row) => shown(valueIn(table, row.own)),
    })),
    { name: "log", kind: "plain", value: (row) => entries[row.own[0].entry].log, cell: (row) => viewerLinks(row.own, latent) },
  ];
  const place = element("div", { class: "wide" });
  grid(place, "Explanations", columns, rows, { row: (row) => ({ class: entries[row.own[0].entry].floor && "floor" }) });
  return place;
}

function text(own) {
  const found = own.find((record) => known(record.said))?.said;
  if (known(found)) return found || "(says nothing)";
  return "(no explanation)";
}

function valueOf(entry, latent) {
  if (entry === undefined) return null;
  const number = received.content.entries[entry].table;
  const { latents, values } = received[`values-${number}`];
  const column = received.content.tables.find((table) => table.number === number).entries.indexOf(entry);
  return values[column][latents.indexOf(latent)] ?? null;
}

function viewerLinks(own, latent) {
  const logs = [...new Set(own.map((record) => received.content.entries[record.entry].view))].filter(known);
  const { log, created } = received.content.entries[own[0].entry];
  if (!logs.length) return element("span", { title: log }, created.slice(0, 10));
  const id = received.latents.id[latent];
  return logs.map((view) => element("a", { href: `${viewer(view)}/samples/sample/${encodeURIComponent(id)}/1`, target: "_blank", rel: "noopener" }, "transcript"));
}

function verdictsOf(records, contexts, explainers, onlyFailed) {
  const judged = records.filter((record) => record.rows.length);
  return judged.length ? [matrix(judged, contexts, explainers, onlyFailed)] : [element("p", { class: "note" }, "The log holds no verdicts.")];
}

// A row per context, a column per explainer.
function matrix(records, contexts, explainers, onlyFailed) {
  const { entries } = received.content;
  const rows = new Map();
  records.forEach((record, column) => record.rows.forEach(([context, mark, words]) => {
    if (!rows.has(context)) rows.set(context, { context, kind: contexts[context][0], cells: [], failures: 0 });
    const row = rows.get(context);
    row.cells[column] = [mark, words];
    row.failures += mark === "w";
  }));
  const listed = [...rows.values()].filter((row) => !onlyFailed || row.failures);
  const columns = [
    { name: "context", head: true, value: (row) => row.kind },
    { name: "text", kind: "context", value: (row) => row.context, cell: (row) => coloured("div", { class: "text" }, contexts[row.context][1]) },
    { name: "failures", number: true, value: (row) => row.failures },
    ...records.map((record, column) => {
      const { explainer } = entries[record.entry];
      return {
        name: String(explainers.indexOf(explainer) + 1), title: explainer,
        value: (row) => (row.cells[column] ? row.cells[column].join(" ") : null),
        cell: (row) => verdict(row.cells[column], explainer, records.length > WORDY),
      };
    }),
  ];
  const place = element("div", { class: "wide verdicts" });
  grid(place, "Verdicts", columns, listed, { sort: { by: 2, down: true } });
  return place;
}

function verdict(cell, explainer, brief) {
  if (!cell) return element("span", {}, "–");
  const [sign, meaning] = MARKS[cell[0]];
  return element("span", { class: `mark ${cell[0]}`, title: [explainer, meaning, cell[1]].filter(Boolean).join(": ") },
    sign && element("span", { "aria-label": meaning, role: "img" }, sign), sign && brief ? "" : ` ${cell[1].replace(/^P=/, "")}`);
}
