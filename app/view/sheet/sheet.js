// The sheet: one button a cell. Choosing one asks the server for its proof, which is drawn below.

const CELLS = { own: "✓", absent: "–", refused: "⊘", unclear: "?", leak: "!", waiting: "·" }

export default function (component) {
  const { data, parentElement: root, setTriggerValue } = component
  const place = root.querySelector(".sheet")
  const signature = JSON.stringify(data)
  if (root.sheetDrawn === signature) return
  const before = place.querySelector(":focus")?.dataset.cell
  root.sheetDrawn = signature
  const choose = (id) => setTriggerValue("cell", id)
  const proofs = h("div", { class: "proofs", role: "region", "aria-live": "polite", "aria-label": data.text.proof },
    data.detail.length ? data.detail.map((one) => proof(one, data.text)) : h("p", { class: "note" }, data.text["choose-cell"]))
  place.replaceChildren(legend(data), h("div", { class: "pair" }, table(data, choose), proofs))
  place.onkeydown = (event) => step(event, place)
  if (before) {
    place.querySelector(`[data-cell="${CSS.escape(before)}"]`)?.focus({ preventScroll: true })
    if (before === data.chosen) proofs.scrollIntoView({ block: "nearest" })
  }
}

function legend(data) {
  return h("div", { class: "legend" }, data.legend.map(([state, word]) =>
    h("span", { class: `chip c-${state}` }, h("span", { "aria-hidden": "true" }, CELLS[state]), ` ${word}`)))
}

function table(data, choose) {
  return h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": data.text.corner },
    h("table", {},
      h("thead", {},
        h("tr", {}, h("th", { class: "corner", rowspan: "2", scope: "col" }, data.text.corner),
          data.groups.map((group) => h("th", { colspan: String(group.span), scope: "colgroup" }, group.label))),
        h("tr", {}, data.columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, data.rows.map((row) => h("tr", { class: row.me ? "me" : "" },
        h("th", { scope: "row", title: row.label }, row.label),
        row.cells.map((cell) => h("td", {}, h("button", {
          type: "button", class: `c-${cell.state}`, "data-cell": cell.id, "aria-label": cell.label, title: cell.label,
          "aria-pressed": String(cell.id === data.chosen), disabled: cell.state === "waiting",
          onclick: () => choose(cell.id),
        }, CELLS[cell.state], cell.count ? h("span", { class: "count" }, cell.count) : ""))))))))
}

function proof(one, text) {
  const { exchange } = one
  return h("section", { class: "proof", "aria-label": one.title },
    h("h4", {}, code(one.title), " ", h("span", { class: `chip c-${one.state}` }, h("span", { "aria-hidden": "true" }, CELLS[one.state]), ` ${one.word}`)),
    h("p", {}, prose(one.sentence)),
    h("dl", {}, h("dt", {}, text.answer), h("dd", {}, code(one.answer)), h("dt", {}, text.correlation), h("dd", {}, code(one.correlation))),
    exchange ? h("details", {}, h("summary", {}, text.wire),
      h("h4", {}, code(`${exchange.method} ${exchange.url}`)),
      h("div", { class: "sides" },
        side(text.request, exchange.request_headers, exchange.request_body, text),
        side(text.response, exchange.response_headers, exchange.response_body, text)),
      h("p", { class: "curl" }, copyButton(text.curl, text.copied, exchange.curl), h("span", { class: "note" }, text["curl-help"]))) : "")
}

// Arrow keys go from cell to cell.
function step(event, place) {
  const rows = [...place.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("button")])
  const at = rows.findIndex((row) => row.includes(event.target))
  if (at < 0) return
  const column = rows[at].indexOf(event.target)
  const to = { ArrowDown: [at + 1, column], ArrowUp: [at - 1, column], ArrowLeft: [at, column - 1], ArrowRight: [at, column + 1] }[event.key]
  const next = to && rows[to[0]]?.[to[1]]
  if (!next) return
  event.preventDefault()
  next.focus()
}
