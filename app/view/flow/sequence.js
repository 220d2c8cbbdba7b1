// The sequence diagram: lifelines as columns, each message a button that opens its step below.

function sequence(data, state, redraw) {
  const own = data.groups.find((group) => group.server === "") || { rows: [], lanes: [] }
  const chosen = data.groups.filter((group) => group.server && (state.server === "" || group.server === state.server))
  if (state.server !== "" && chosen.length) {
    return h("div", {}, lifelines({ ...chosen[0], rows: [...own.rows, ...chosen[0].rows] }, data, state, redraw))
  }
  return h("div", {}, [own, ...chosen].filter((group) => group.rows.length)
    .map((group) => lifelines(group, data, state, redraw)))
}

function lifelines(group, data, state, redraw) {
  return h("section", { class: "group", style: { "--n": group.lanes.length } },
    h("div", { class: "heads", "aria-hidden": "true" }, group.lanes.map((name) => h("span", {}, name))),
    h("ol", { class: "rows" }, group.rows.map((row, n) => {
      const id = `${row.step}.${group.server}.${n}`
      return expandable(id, row.step, messageButton(row), data, state, redraw)
    })))
}

function messageButton(row) {
  const [from, to] = [Math.min(row.from, row.to), Math.max(row.from, row.to)]
  const way = row.shape === "self" ? "self" : row.from < row.to ? "right" : "left"
  return h("button", {
    type: "button", class: `row s-${row.status} ${row.shape}`, "aria-label": row.aria,
    style: { "--l": from, "--r": to },
  },
    h("span", { class: "number" }, row.title ? String(row.number) : ""),
    h("span", { class: "lanes" },
      h("span", { class: "say" },
        row.title ? h("strong", {}, h("span", { class: "narrow" }, `${row.number} · `), row.title) : "", row.label ? code(row.label) : "",
        row.note ? h("span", { class: "note" }, row.note) : "",
        row.shape === "answer" ? "" : chip(row.status, row.word),
        row.reason ? h("span", { class: "reason" }, row.reason) : ""),
      h("span", { class: "track" }, h("span", { class: `line ${way}` }))))
}

// A list item: its button, and below it the step's details while it is open.
function expandable(id, step, button, data, state, redraw) {
  const item = h("li", { "data-step": step })
  const show = () => {
    const open = state.open.has(id)
    button.setAttribute("aria-expanded", String(open))
    item.querySelector(":scope > .panel")?.remove()
    if (open) item.append(panel(data.steps[step], data, state))
  }
  button.addEventListener("click", () => {
    if (state.open.has(id)) state.open.delete(id)
    else {
      state.open.add(id)
      link(data.steps[step])
    }
    show()
    tick(item, state)
  })
  item.append(button)
  show()
  return item
}
