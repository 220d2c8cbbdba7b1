// The board: one row an attack. Closed rows tell the verdict and the layer; open ones what was sent and answered.

const MARKS = { blocked: "✓", passed: "✕", unclear: "?", lesson: "!", control: "✓", waiting: "·", hidden: "?" }

export default function (component) {
  const { data, parentElement: root, setTriggerValue } = component
  const state = root.boardState || (root.boardState = begin())
  const place = root.querySelector(".board")
  const send = (id) => setTriggerValue("send", id)
  const draw = (focus) => {
    place.replaceChildren(top(data, state, draw), ...data.groups.flatMap((group) => section(group, data, state, draw, send)))
    place.onkeydown = (event) => walk(event, place)
    if (focus) place.querySelector(focus)?.focus()
  }
  const signature = JSON.stringify(data)
  if (state.drawn !== signature) {
    state.drawn = signature
    draw(root.activeElement?.id ? `#${root.activeElement.id}` : "")
  }
}

function begin() {
  const asked = new URLSearchParams(window.location.search).get("attack")
  return { open: new Set(asked ? [asked] : []), guessing: false, guesses: {}, drawn: "" }
}

function top(data, state, draw) {
  const box = h("input", { type: "checkbox", id: "guessing", onchange: () => { state.guessing = box.checked; draw("#guessing") } })
  box.checked = state.guessing
  const rows = data.groups.flatMap((group) => group.rows).filter((row) => state.guesses[row.id])
  const right = rows.filter((row) => state.guesses[row.id] === row.party).length
  return h("div", { class: "top" },
    h("label", { class: "toggle" }, box, h("span", {}, data.text.guess), h("span", { class: "note" }, data.text["guess-help"])),
    h("strong", { role: "status" }, state.guessing && rows.length
      ? data.text.score.replace("{right}", right).replace("{count}", rows.length) : ""))
}

function section(group, data, state, draw, send) {
  return [
    h("h3", {}, group.title),
    group.about ? h("p", { class: "note about" }, group.about) : "",
    h("ol", { class: "rows" }, group.rows.map((row) => item(row, data, state, draw, send))),
  ].filter((part) => part !== "")
}

// Hidden: the audience is to guess, and has not yet.
function hidden(row, state) {
  return state.guessing && row.guessable && !state.guesses[row.id]
}

function item(row, data, state, draw, send) {
  const open = state.open.has(row.id)
  const shown = hidden(row, state) ? "hidden" : row.state
  const word = shown === "hidden" ? data.text.question : row.word
  const toggle = () => {
    if (open) state.open.delete(row.id)
    else {
      state.open.add(row.id)
      address(row.id)
    }
    draw(`#row-${row.id}`)
  }
  return h("li", {},
    h("button", { type: "button", class: `row b-${shown}`, id: `row-${row.id}`, "aria-expanded": String(open), onclick: toggle },
      h("span", { class: "sign", "aria-hidden": "true" }, MARKS[shown]),
      h("span", { class: "what" }, row.title),
      h("span", { class: "chip" }, word),
      h("span", { class: "layer" }, shown === "hidden" || !row.result ? ""
        : [row.layer, row.result.status ? ` · ${row.result.status}` : ""])),
    open ? details(row, data, state, draw, send) : "")
}

// The address names the attack, so that it can be passed on.
function address(id) {
  const now = new URL(window.location.href)
  now.searchParams.set("attack", id)
  window.history.replaceState(window.history.state, "", now)
}

function details(row, data, state, draw, send) {
  const { text } = data
  const guessed = state.guesses[row.id]
  const box = h("div", { class: "panel", role: "region", "aria-label": row.title },
    h("p", { class: "sentence" }, prose(row.tried)))
  if (hidden(row, state)) {
    const choose = (party) => () => {
      state.guesses[row.id] = party
      draw(`#row-${row.id}`)
      if (!row.result) send(row.id)
    }
    box.append(h("div", { class: "guess", role: "group", "aria-label": text.question }, h("span", {}, text.question),
      data.parties.map(([party, name]) => h("button", { type: "button", class: "copy", onclick: choose(party) }, name))))
    return box
  }
  if (state.guessing && guessed && row.result) {
    const name = (data.parties.find(([party]) => party === guessed) || ["", ""])[1]
    box.append(h("p", { class: "told" }, guessed === row.party ? `✓ ${text.right}` : `✕ ${text.wrong.replace("{guess}", name)}`))
  }
  const again = h("button", { type: "button", class: "copy", id: `send-${row.id}`, onclick: () => send(row.id) }, row.result ? text.again : text.send)
  if (!row.result) {
    box.append(h("p", {}, again))
    return box
  }
  const { result } = row
  box.append(
    row.part ? where(data, row) : "",
    row.state === "unclear" ? h("p", { class: "fix" }, text["unclear-help"]) : "",
    h("dl", { class: "facts" }, [
      [text.stopped, h("span", {}, row.layer)],
      [text.answer, h("span", {}, h("code", {}, `${result.status ? `HTTP ${result.status} · ` : ""}${result.said}`),
        h("span", { class: "note" }, `${result.ms}`))],
      [text.why, h("span", {}, prose(row.why))],
      [text.standard, h("span", {}, row.standard.map(([words, href]) => href
        ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, words) : words))],
      [text.correlation, code(result.correlation)],
    ].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("p", {}, again),
    h("details", {}, h("summary", {}, text.wire), result.exchanges.map((exchange) => onTheWire(exchange, text))))
  return box
}

// Where in the picture it was stopped.
function where(data, row) {
  const art = drawn(data.svg, "aside")
  lit(art, 0, row.part)
  return art
}

function onTheWire(exchange, text) {
  return h("div", { class: "exchange" },
    h("h4", {}, code(`${exchange.method} ${exchange.url}`), " ", h("span", { class: "note" }, exchange.status ? `HTTP ${exchange.status}` : exchange.error)),
    h("div", { class: "sides" },
      side(text.request, exchange.request_headers, exchange.request_body, text),
      side(text.response, exchange.response_headers, exchange.response_body, text)),
    h("p", { class: "curl" }, copyButton(text.curl, text.copied, exchange.curl), h("span", { class: "note" }, text["curl-help"])))
}
