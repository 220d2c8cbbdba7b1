// One person's tokens side by side: what each says, what changed from the one before, and why.

function tokens(data, state) {
  const shown = data.tokens.filter((one) => !state.server || one.server === state.server)
  return h("div", {}, h("p", { class: "lead" }, data.text["tokens-lead"]), shown.map((one) => hopTable(one, data, state)))
}

function hopTable(one, data, state) {
  const { text } = data
  return h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `${text.tokens}: ${one.hops[1].title}` },
    h("table", { class: "hops" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, text.claim),
        one.hops.map((hop, n) => h("th", { scope: "col" },
          h("span", { class: "arrowed" }, n ? "→ " : "", hop.title), h("br"), chip(hop.status, hop.word), " ",
          hop.until ? countdown(hop.until, text) : h("span", { class: "note" }, hop.known ? "" : text["unknown-until"]))))),
      h("tbody", {}, one.rows.map((row) => claimRow(row, one, text)))))
}

function claimRow(row, one, text) {
  return h("tr", { class: row.changed ? "changed" : "" },
    h("th", { scope: "row" }, code(row.claim), h("span", { class: "note" }, row.meaning),
      row.changed || !row.meaning ? h("span", { class: "why" }, row.why) : ""),
    row.cells.map((cell, n) => h("td", { class: cell.changed ? "differs" : "" },
      one.hops[n].known ? code(cell.value || text.empty) : h("span", { class: "note" }, n && row === one.rows[0] ? text["tokens-missing"] : text.empty),
      cell.changed ? h("span", { class: "mark" }, `≠ ${text.changed}`) : "")))
}
