// Small helpers: elements from plain values (never from markup), times that count down, what is remembered between runs.

const SIGNS = { done: "✓", reused: "↻", failed: "✕", skipped: "–" }

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value)
    else if (name === "style") for (const [key, given] of Object.entries(value)) element.style.setProperty(key, given)
    else element.setAttribute(name, value === true ? "" : value)
  }
  element.append(...children.flat().filter((child) => child !== "" && child !== null && child !== undefined))
  return element
}

function chip(status, word) {
  return h("span", { class: `chip s-${status}` }, h("span", { "aria-hidden": "true" }, SIGNS[status]), ` ${word}`)
}

function code(text) {
  return h("code", {}, text)
}

// What stands between backticks in monospace, the rest as it is.
function prose(text) {
  return text.split("`").map((part, n) => (n % 2 ? code(part) : part))
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2) } catch { return text }
}

function left(until, now) {
  const seconds = Math.max(0, Math.floor(until - now))
  const rest = `${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${rest}` : rest.replace(/^0/, "")
}

// A countdown: kept right by `tick`, quiet for screen readers, and never below 0.
function countdown(until, text) {
  return h("span", { class: "until", "data-until": until, role: "timer", "aria-live": "off" }, text.until)
}

function tick(root, state) {
  const now = Date.now() / 1000 + state.ahead
  for (const element of root.querySelectorAll("[data-until]")) {
    const until = Number(element.dataset.until)
    element.textContent = until > now ? `${state.text.until} ${left(until, now)}` : state.text.over
    element.classList.toggle("over", until <= now)
  }
}

function choice(label, options, chosen, choose) {
  return h("div", { class: "choice", role: "group", "aria-label": label },
    options.map(([value, name]) => h("button", {
      type: "button", "data-choice": value, "aria-pressed": String(value === chosen), onclick: () => choose(value),
    }, name)))
}

function copyButton(label, done, text) {
  const button = h("button", { type: "button", class: "copy" }, label)
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text)
    button.textContent = done
    setTimeout(() => { button.textContent = label }, 2000)
  })
  return button
}

// Arrow keys, Home and End go from row to row.
function walk(event, place) {
  const rows = [...place.querySelectorAll("button.row")]
  const at = rows.indexOf(event.target)
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key]
  if (at < 0 || to === undefined || !rows[to]) return
  event.preventDefault()
  rows[to].focus()
}
