// The sequence diagram: a block for each number, its parts lettered. A part says what was checked and what came out, then
// draws its messages, each with its answer; pressing it opens the step below.

function sequence(data, state, redraw) {
  const own = data.groups.filter((group) => group.server === "")
  const chosen = data.groups.filter((group) => group.server && (state.server === "" || group.server === state.server))
  if (state.server !== "" && chosen.length) {
    return h("div", {}, legend(data.text),
      lifelines({ ...chosen[0], blocks: [...own.flatMap((group) => group.blocks), ...chosen[0].blocks] }, data, state, redraw))
  }
  return h("div", {}, legend(data.text), [...own, ...chosen].map((group) => lifelines(group, data, state, redraw)))
}

function legend(text) {
  const sample = (kind) => h("span", { class: "sample", "aria-hidden": "true" }, h("span", { class: `line ${kind}` }))
  return h("p", { class: "legend note", role: "note", "aria-label": text.legend },
    h("span", {}, sample("request right"), text["legend.request"]),
    h("span", {}, sample("answer left"), text["legend.answer"]),
    h("span", { class: "s-skipped" }, sample("skipped right"), text["legend.skipped"]),
    h("span", {}, chip("reused", text["legend.kept"])))
}

function lifelines(group, data, state, redraw) {
  return h("section", { class: "group", style: { "--n": group.lanes.length } },
    h("div", { class: "heads", "aria-hidden": "true" }, group.lanes.map((name) => h("span", {}, name))),
    h("ol", { class: "blocks" }, group.blocks.map((block) => h("li", { class: "block" },
      h("span", { class: "number", "aria-hidden": "true" }, String(block.number)),
      h("div", {},
        block.title ? h("h4", {}, block.title) : "",
        h("ol", { class: "rows" }, block.parts.map((part) =>
          expandable(`part.${part.step}`, part.step, partButton(part, data.text), data, state, redraw))))))),
    group.reuse ? aside(group.reuse, "kept") : "", group.capture ? aside(group.capture, "captured") : "")
}

function partButton(part, text) {
  return h("button", { type: "button", class: `row part s-${part.status}`, "aria-label": part.aria },
    h("span", { class: "head" },
      part.label.length > 1 ? h("span", { class: "letter" }, part.label) : "", h("strong", {}, part.title), " ",
      part.kept ? chip("reused", [part.kept.since, part.kept.at].filter(Boolean).join(", ")) : chip(part.status, part.word), " ",
      part.until ? countdown(part.until, text) : "",
      part.kept && part.kept.until ? countdown(part.kept.until, text) : "",
      part.when ? h("span", { class: "note" }, part.when) : "",
      part.instead ? h("span", { class: "reason" }, prose(part.instead)) : ""),
    part.kept && part.kept.again ? h("span", { class: "said note" }, prose(part.kept.again)) : "",
    part.checked ? h("span", { class: "said" }, prose(part.checked)) : "",
    part.out ? h("span", { class: "said" }, h("strong", {}, `${text.out}: `), prose(part.out)) : "",
    part.stops ? h("span", { class: "said stops" }, prose(part.stops)) : "",
    part.rows.map(message))
}

function message(row) {
  const [from, to] = [Math.min(row.from, row.to), Math.max(row.from, row.to)]
  const way = row.shape === "self" ? "self" : row.from < row.to ? "right" : "left"
  const back = row.from < row.to ? "left" : "right"
  return h("span", { class: `message lanes s-${row.status}`, style: { "--l": from, "--r": to } },
    row.label ? h("span", { class: "say" }, h("span", { class: "note" }, row.ways), " ", code(row.label), " ",
      h("span", { class: "note" }, row.note)) : "",
    h("span", { class: "track" }, h("span", { class: `line ${way}` })),
    row.answered ? h("span", { class: "track back" }, h("span", { class: `line answer ${back}` })) : "")
}

// Below the steps: why what was kept may be used again, and last what the server could open in other hands.
function aside(one, kind) {
  return h("aside", { class: kind }, h("h4", {}, one.title),
    h("ul", {}, one.lines.map((line) => h("li", {}, prose(line)))), one.source ? h("p", { class: "note" }, prose(one.source)) : "")
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
