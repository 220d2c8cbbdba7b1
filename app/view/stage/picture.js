// The picture, its seven steps and the tokens. Whoever points at a step, or comes to it by keys, sees it lit.

function drawPicture(place, data, state) {
  const art = drawn(data.svg)
  const light = (number) => lit(art, number, number ? data.steps[number - 1].part : "")
  const rows = data.steps.map((step) => stepRow(step, data.text, state, light))
  const told = [h("h3", {}, data.text.steps), h("ol", { class: "seven" }, rows), h("h3", {}, data.text.tokens), tokenTable(data)]
  place.replaceChildren(art, data.last ? h("p", { class: "note" }, prose(data.last)) : "", ...(rows.length ? told : []))
  light(state.chosen)
}

// The picture, made by the app (app/picture.py), which escapes every text in it.
function drawn(svg, more = "") {
  const art = h("div", { class: `art ${more}` })
  art.innerHTML = svg
  return art
}

function lit(art, number, part) {
  const svg = art.querySelector("svg")
  for (const box of svg.querySelectorAll("[data-part]")) box.classList.toggle("lit", box.dataset.part === part)
  svg.classList.toggle("choosing", Boolean(number))
  for (const way of svg.querySelectorAll("[data-step]")) way.classList.toggle("lit", way.dataset.step === String(number))
}

function stepRow(step, text, state, light) {
  const leave = () => light(state.chosen)
  const button = h("button", {
    type: "button", class: "step", "aria-pressed": String(state.chosen === step.number),
    onmouseenter: () => light(step.number), onmouseleave: leave, onfocus: () => light(step.number), onblur: leave,
    onclick: () => {
      state.chosen = state.chosen === step.number ? 0 : step.number
      for (const other of button.closest("ol").querySelectorAll("button.step")) other.setAttribute("aria-pressed", "false")
      button.setAttribute("aria-pressed", String(state.chosen === step.number))
      light(state.chosen || step.number)
    },
  },
  h("span", { class: "what" },
    h("span", { class: `number${step.status ? ` s-${step.status}` : ""}` }, String(step.number)),
    h("strong", {}, step.title), step.status ? chip(step.status, step.word) : ""),
  h("span", { class: "acts" }, prose(step.acts)),
  h("span", { class: "fact" }, h("em", {}, text.checked), " ", prose(step.checked)),
  h("span", { class: "fact" }, h("em", {}, text.out), " ", prose(step.out)))
  return h("li", {}, button)
}

function tokenTable(data) {
  const facts = ["issued", "accepted", "dies"]
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": data.text.tokens },
    h("table", { class: "three" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, data.text.token),
        facts.map((fact) => h("th", { scope: "col" }, data.text[fact])))),
      h("tbody", {}, data.tokens.map((token) => h("tr", {},
        h("th", { scope: "row", class: `t-${token.id}` }, token.title),
        facts.map((fact) => h("td", {}, prose(token[fact]))))))))
}
