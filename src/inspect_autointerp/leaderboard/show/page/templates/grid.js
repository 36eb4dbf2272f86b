"use strict";
// A table whose columns sort. A column has: name, value(row) to sort by, and cell(row) where that is not all to show;
// number, whether it is one; head, whether its cells name the row; kind, a class of its cells.

const PAGE = 100;

function grid(place, caption, columns, rows, { sort = null, row: dress = () => ({}), remember = {} } = {}) {
  const order = remember.order ?? (remember.order = { by: sort?.by ?? null, down: sort?.down ?? true });
  let limit = PAGE;
  const body = element("tbody");
  const more = element("button", { type: "button", class: "more", onclick: () => { limit += PAGE; fill(); } });
  const heads = columns.map((column, i) =>
    element("th", { scope: "col", class: column.number && "number", title: column.title },
      element("button", { type: "button", onclick: () => sortBy(i) }, column.name)));
  const table = element("table", { class: "grid", "aria-label": caption },
    element("thead", {}, element("tr", {}, heads)), body);

  function sortBy(i) {
    order.down = order.by === i ? !order.down : Boolean(columns[i].number);
    order.by = i;
    fill();
  }

  function sorted() {
    if (order.by === null || !columns[order.by]) return rows;
    const { value } = columns[order.by];
    const direction = order.down ? -1 : 1;
    // What is undefined stands last whichever way the others go.
    const keyed = rows.map((row, i) => [value(row), i, row]);
    keyed.sort(([a, i], [b, j]) => {
      if (!known(a) || !known(b)) return known(b) - known(a) || i - j;
      const before = typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
      return direction * before || i - j;
    });
    return keyed.map(([, , row]) => row);
  }

  function fill() {
    heads.forEach((head, i) => {
      if (i === order.by) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const all = sorted();
    remember.rows = all;
    body.replaceChildren(...all.slice(0, limit).map((row) => element("tr", dress(row), columns.map((column) => {
      const cell = column.cell ? column.cell(row) : column.value(row);
      const content = Array.isArray(cell) || cell instanceof Node ? cell : known(cell) ? String(cell) : "–";
      return element(column.head ? "th" : "td", { scope: column.head && "row", class: column.number ? "number" : column.kind, "data-name": column.name }, content);
    }))));
    if (!all.length) body.append(element("tr", {}, element("td", { colspan: columns.length }, "Nothing fits the filter.")));
    more.hidden = all.length <= limit;
    more.textContent = `Show ${Math.min(PAGE, all.length - limit)} more of ${(all.length - limit).toLocaleString("en")}`;
  }

  fill();
  place.replaceChildren(table, more);
}
