// A step's details: the sentence first, then what came of it, then what went over the wire.

function panel(step, data, state) {
  const box = h("div", { class: "panel", role: "region", "aria-label": `${step.label} · ${step.title}` })
  box.append(...(state.raw ? rawPanel(step, data.text) : guidedPanel(step, data.text, state)))
  return box
}

function guidedPanel(step, text, state) {
  return [
    h("p", { class: "sentence" }, prose(step.sentence)),
    step.fix ? h("p", { class: "fix" }, prose(step.fix)) : "",
    h("p", { class: "note" }, step.times, step.until && step.status !== "skipped" ? " · " : "",
      step.until && step.status !== "skipped" ? countdown(step.until, text) : ""),
    step.rule ? rulePart(step.rule, text, state) : "",
    step.sentence === step.why ? "" : h("p", {}, h("strong", {}, `${text.why}. `), prose(step.why)),
    h("p", { class: "note" }, `${text.follows}: `, step.standard.map(([words, href]) => href
      ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, words) : words)),
    step.facts.length ? h("div", {}, h("h4", {}, text.facts), definitions(step.facts)) : "",
    step.claims.length ? h("div", {}, h("h4", {}, text.claims), definitions(step.claims)) : "",
    ...wire(step, text),
  ].filter((part) => part !== "")
}

// The line of Vault's that decides: as written, as Vault reads it, and somebody else's, which can be asked for.
function rulePart(rule, text, state) {
  const { attempt } = rule
  return h("div", { class: "rule" }, h("h4", {}, text.rule), h("p", { class: "note" }, prose(rule.source)),
    rule.lines.length ? h("dl", {}, rule.lines.map((line) => [
      line.written ? [h("dt", {}, text["rule.written"]), h("dd", {}, code(line.written))] : [],
      line.filled ? [h("dt", {}, line.written ? text["rule.filled"] : ""),
        h("dd", {}, code(line.filled), h("span", { class: "note" }, line.about))] : [],
    ]).flat(2)) : "",
    attempt ? h("details", { open: attempt.open }, h("summary", {}, attempt.title),
      h("p", {}, code(attempt.filled), h("span", { class: "note" }, " ", attempt.about)),
      h("button", { type: "button", class: "copy", "data-attempt": attempt.server,
        onclick: () => state.ask(attempt.server) }, prose(attempt.label)),
      attempt.proof ? h("p", { class: `proof s-${attempt.proof.status}`, role: "status" },
        h("strong", {}, prose(attempt.proof.verdict)), h("span", { class: "note" }, " ", prose(attempt.proof.about))) : "") : "",
    rule.text ? h("details", {}, h("summary", {}, text["rule.whole"]), block(rule.text)) : "")
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
