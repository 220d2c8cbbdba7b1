// A step's details: the sentence first, then what came of it, then what went over the wire.

function panel(step, data, state) {
  const box = h("div", { class: "panel", role: "region", "aria-label": `${step.number} · ${step.title}` })
  box.append(...(state.raw ? rawPanel(step, data.text) : guidedPanel(step, data.text)))
  return box
}

function guidedPanel(step, text) {
  return [
    h("p", { class: "sentence" }, prose(step.sentence)),
    step.fix ? h("p", { class: "fix" }, prose(step.fix)) : "",
    h("p", { class: "note" }, step.times, step.until && step.status !== "skipped" ? " · " : "",
      step.until && step.status !== "skipped" ? countdown(step.until, text) : ""),
    step.sentence === step.why ? "" : h("p", {}, h("strong", {}, `${text.why}. `), prose(step.why)),
    h("p", { class: "note" }, `${text.follows}: `, step.standard.map(([words, href]) => href
      ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, words) : words)),
    step.facts.length ? h("div", {}, h("h4", {}, text.facts), definitions(step.facts)) : "",
    step.claims.length ? h("div", {}, h("h4", {}, text.claims), definitions(step.claims)) : "",
    ...wire(step, text),
  ].filter((part) => part !== "")
}

function rawPanel(step, text) {
  const { exchanges, ...rest } = step.raw
  return [h("p", { class: "note" }, text["raw-lead"]), block(JSON.stringify(rest, null, 2)), ...wire(step, text)]
}

function definitions(rows) {
  return h("dl", {}, rows.map(([name, value, meaning]) => [
    h("dt", {}, name), h("dd", {}, code(value), meaning ? h("span", { class: "note" }, meaning) : ""),
  ]).flat())
}

function wire(step, text) {
  const exchanges = step.raw.exchanges || []
  if (!exchanges.length) return [h("p", { class: "note" }, text["no-exchange"])]
  return exchanges.map((exchange, n) => {
    const about = step.exchanges[n]
    return h("div", { class: "exchange" },
      h("h4", {}, code(`${exchange.method} ${exchange.url}`), " ",
        h("span", { class: "note" }, [exchange.status ? `HTTP ${exchange.status}` : "", about.ms].filter(Boolean).join(" · "))),
      about.error ? h("p", { class: "fix" }, about.error) : "",
      h("div", { class: "sides" },
        side(text.request, exchange.request_headers, exchange.request_body, text),
        side(text.response, exchange.response_headers, exchange.response_body, text)),
      h("p", { class: "curl" }, copyButton(text.curl, text.copied, about.curl), h("span", { class: "note" }, text["curl-help"])))
  })
}

function side(title, headers, body, text) {
  const lines = Object.entries(headers || {}).map(([name, value]) => `${name}: ${value}`).join("\n")
  return h("section", {}, h("h5", {}, title),
    h("h6", {}, text.headers), block(lines || text.empty),
    body ? h("h6", {}, text.body) : "", body ? block(pretty(body)) : "")
}

function block(content) {
  return h("pre", { tabindex: "0" }, content)
}
