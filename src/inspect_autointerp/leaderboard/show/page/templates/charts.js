"use strict";
// Charts are drawn when they come into sight, and again when what they show or the colours change.

const WRAP = 32;  // characters of a label on one line
const LINE = 14;  // pixels of a label's line
const SPOTS = [["left", 10, -10], ["right", -10, -10], ["left", 10, 12], ["right", -10, 12], ["center", 0, -16], ["center", 0, 18], ["left", 10, -28], ["right", -10, -28], ["left", 10, 30], ["right", -10, 30]];

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
  const narrow = plot.clientWidth < 500;
  spec.params = [...(spec.params ?? []), { name: "wrap", value: narrow ? WRAP / 2 : WRAP }];
  if (spec.height.step) {
    const names = [...new Set(rows.map((row) => row[y]))];
    const lines = Math.max(...names.map((name) => (name.length > (narrow ? WRAP / 2 : WRAP) ? name.split(" · ").length : 1)), 1);
    spec.height = Math.max(spec.height.step, LINE * lines + 8) * names.length;
  }
  for (const layer of spec.layer) {
    for (const [channel, title] of Object.entries(titles)) {
      if (layer.encoding?.[channel] && "field" in layer.encoding[channel]) layer.encoding[channel].title = title;
    }
  }
  views.get(plot)?.finalize();
  plot.replaceChildren();
  if (!rows.length) { plot.textContent = "Nothing to show."; return; }
  const options = { actions: false, renderer: "svg", ast: true, config: colours(narrow), tooltip: { theme: isDark() ? "dark" : "light" } };
  views.set(plot, await vegaEmbed(plot, spec, options));
  plot.dataset.drawn = rows.length;
}

// Where the labels of the scatter plot's front stand: beside their points, where they cover no other label or point.
// Those without room have none; the legend, the table and a pointer say what they are.
function placed(points, width) {
  const inner = Math.max(width - 60, 200);
  const height = 320;
  const xs = points.map(({ spent }) => Math.log1p(spent / 1e-4));  // as the chart's scale has it
  const ys = points.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean]);
  const scale = (value, from, to, length) => (to > from ? (value - from) / (to - from) : 0.5) * length;
  const at = points.map(({ mean }, i) => ({
    x: 12 + scale(xs[i], Math.min(...xs), Math.max(...xs), inner - 24),
    y: height - scale(mean, Math.min(...ys), Math.max(...ys), height),
  }));
  const taken = at.map(({ x, y }) => [x - 6, y - 6, x + 6, y + 6]);
  const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  points.forEach((point, i) => {
    if (!point.front) return;
    const wide = 6.6 * point.explainer.length;
    for (const [align, dx, dy] of SPOTS) {
      const left = at[i].x + dx - (align === "right" ? wide : align === "center" ? wide / 2 : 0);
      const box = [left, at[i].y + dy - 8, left + wide, at[i].y + dy + 8];
      if (box[0] < 0 || box[2] > inner || box[1] < -10 || box[3] > height + 10 || taken.some((other, j) => j !== i && meet(box, other))) continue;
      taken.push(box);
      Object.assign(point, { align, dx, dy });
      return;
    }
  });
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

function colours(narrow) {
  const ink = isDark() ? "#e6e8ec" : "#16191f";
  const faint = isDark() ? "#9aa3b2" : "#5a6270";
  const rule = isDark() ? "#333a45" : "#d9dde4";
  return {
    background: null,
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: {
      labelColor: ink, titleColor: faint, gridColor: rule, domainColor: rule, tickColor: rule, labelLimit: narrow ? 130 : 260,
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
