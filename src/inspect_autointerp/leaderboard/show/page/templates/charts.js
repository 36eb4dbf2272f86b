"use strict";
// Charts are drawn when they come into sight, and again when what they show or the colours change.

const pending = new Map();
const views = new Map();
const sight = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) draw(target);
}, { rootMargin: "200px" });

// Rows for a chart, and what differs from its specification: titles of axes, by place in it.
function chart(name, rows, columns, titles = {}) {
  const plot = document.querySelector(`#${name} .plot`);
  pending.set(plot, { name, rows, titles });
  sight.unobserve(plot);
  sight.observe(plot);
  listed(name, rows, columns);
}

async function draw(plot) {
  const wanted = pending.get(plot);
  if (!wanted) return;
  pending.delete(plot);
  const { name, rows, titles } = wanted;
  const [specifications] = await Promise.all([content("charts"), load("assets/vega.js")]);
  if (pending.has(plot)) return;  // something newer waits
  const spec = structuredClone(specifications[name]);
  Object.assign(spec, { width: "container", autosize: { type: "fit-x", contains: "padding" }, datasets: { ...spec.datasets, rows } });
  const y = spec.layer.at(-1).encoding.y.field;
  if (spec.height.step) spec.height = spec.height.step * new Set(rows.map((row) => row[y])).size;
  for (const layer of spec.layer) {
    for (const [channel, title] of Object.entries(titles)) {
      if (layer.encoding?.[channel] && "field" in layer.encoding[channel]) layer.encoding[channel].title = title;
    }
  }
  views.get(plot)?.finalize();
  plot.replaceChildren();
  if (!rows.length) { plot.textContent = "Nothing to show."; return; }
  const options = { actions: false, renderer: "svg", ast: true, config: colours(), tooltip: { theme: isDark() ? "dark" : "light" } };
  views.set(plot, await vegaEmbed(plot, spec, options));
  plot.dataset.drawn = rows.length;
}

// The same rows for whoever does not see the chart.
function listed(name, rows, columns) {
  const section = document.getElementById(name);
  section.querySelector("details")?.remove();
  const place = element("div", { class: "wide" });
  const details = element("details", {}, element("summary", {}, "The same as a table"), place);
  details.addEventListener("toggle", () => {
    if (!details.open || place.firstChild) return;
    grid(place, name, columns.map((key) => ({
      name: named(key), number: typeof rows[0]?.[key] === "number", head: key === columns[0],
      value: (row) => row[key], cell: (row) => (typeof row[key] === "number" ? small(row[key]) : row[key]),
    })), rows);
  });
  section.append(details);
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function colours() {
  const ink = isDark() ? "#e6e8ec" : "#16191f";
  const faint = isDark() ? "#9aa3b2" : "#5a6270";
  const rule = isDark() ? "#333a45" : "#d9dde4";
  return {
    background: null,
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: {
      labelColor: ink, titleColor: faint, gridColor: rule, domainColor: rule, tickColor: rule, labelLimit: 200,
      labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
    },
    legend: { labelColor: ink, titleColor: ink },
    text: { color: ink, fontSize: 12 },
  };
}

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];
const SHAPES = [
  "M8 2a6 6 0 1 0 .01 0Z", "M3 3h10v10H3Z", "M8 2 14 13H2Z", "M8 1 14 8 8 15 2 8Z",
  "M6 2h4v4h4v4h-4v4H6v-4H2V6h4Z", "M8 14 2 3h12Z",
];

// The first explainers have a colour and a shape of their own, by place in the table; the others share grey.
function colourOf(place) { return String(Math.min(place, COLOURS.length)); }

function legend(name, explainers) {
  const place = document.querySelector(`#${name} .legend`);
  const sign = (i) => element("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
    element("path", { d: SHAPES[i] ?? SHAPES[0], fill: COLOURS[i] ?? "#8a919c" }));
  const own = explainers.slice(0, COLOURS.length).map((explainer, i) => element("span", {}, sign(i), explainer));
  const others = explainers.length - own.length;
  if (others > 0) own.push(element("span", {}, sign(COLOURS.length), others === 1 ? explainers.at(-1) : `${others} others`));
  place.replaceChildren(...own);
}
