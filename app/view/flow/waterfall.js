// The waterfall: one bar per step on one time line; inside it, darker, the time on the wire.

function waterfall(data, state, redraw) {
  const rows = data.waterfall.rows.filter((row) => !row.server || !state.server || row.server === state.server)
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => `${Math.round(data.waterfall.total * part)} ms`)
  return h("section", { class: "group fall" },
    h("div", { class: "axis", "aria-hidden": "true" }, h("span", {}), h("span", {}, marks.map((m) => h("span", {}, m)))),
    h("ol", { class: "rows" }, rows.map((row) => expandable(`fall.${row.step}`, row.step, bar(row, data), data, state, redraw))))
}

function bar(row, data) {
  const inner = row.inner.map(([from, to]) => h("span", {
    class: "wire", style: { left: `${share(from, row)}%`, width: `max(2px, ${share(to, row) - share(from, row)}%)` },
  }))
  const mark = row.width > 0
    ? h("span", { class: "bar", style: { left: `${row.left}%`, width: `max(3px, ${row.width}%)` } }, inner)
    : h("span", { class: "point", style: { left: `${row.left}%` } })
  const note = row.earlier ? `${row.note} (${data.text.earlier})` : row.note
  return h("button", {
    type: "button", class: `row s-${row.status}`,
    "aria-label": [row.word, `${row.label} · ${row.title}`, row.where, note].filter(Boolean).join(", "),
  },
    h("span", { class: "number" }, row.label),
    h("span", { class: "name" }, h("strong", {}, row.title), row.where ? h("span", { class: "note" }, row.where) : "",
      h("span", { class: "note" }, note), chip(row.status, row.word)),
    h("span", { class: "time" }, mark))
}

function share(at, row) {
  return row.width > 0 ? Math.min(100, Math.max(0, ((at - row.left) / row.width) * 100)) : 0
}
