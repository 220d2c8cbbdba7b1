// A call, step by step: the part that acts is lit, and what decides stands large, for each of the two people.

function drawPlay(place, data, state) {
  const art = drawn(data.svg)
  const body = h("div", { class: "now", role: "region", "aria-live": "polite", "aria-label": data.text.steps })
  const back = h("button", { type: "button", class: "turn", id: "back" }, `← ${data.play.back}`)
  const next = h("button", { type: "button", class: "turn main", id: "next" }, `${data.play.next} →`)
  const turn = (number) => {
    state.at = Math.min(Math.max(number, 1), data.steps.length)
    lit(art, state.at, data.steps[state.at - 1].part)
    back.disabled = state.at === 1
    next.disabled = state.at === data.steps.length
    body.replaceChildren(...scene(data, state.at, art))
  }
  back.addEventListener("click", () => turn(state.at - 1))
  next.addEventListener("click", () => turn(state.at + 1))
  place.replaceChildren(
    h("div", { class: "bar-top turns" }, back, next, h("span", { class: "note" }, data.play.keys)),
    body, data.missing ? h("p", { class: "note" }, prose(data.missing)) : "")
  turn(state.at)
  return (key) => {
    const to = { ArrowRight: state.at + 1, PageDown: state.at + 1, ArrowLeft: state.at - 1, PageUp: state.at - 1, Home: 1, End: data.steps.length }[key]
    if (to !== undefined) turn(to)
    return to !== undefined
  }
}

function scene(data, number, art) {
  const step = data.steps[number - 1]
  const told = h("div", {},
    h("p", { class: "place" }, data.play.place.replace("{number}", number), " · ", prose(data.call)),
    h("h3", { class: "title" }, `${number} · ${step.title}`),
    h("p", { class: "acts" }, prose(step.acts)),
    h("p", { class: "acts" }, prose(step.checked)))
  return [
    h("div", { class: "beside" }, told, art),
    h("div", { class: `sides n${data.sides.length}` }, data.sides.map((side) => sideOf(side, data, number))),
  ]
}

function sideOf(side, data, number) {
  const step = side.steps[number]
  return h("section", { class: `side s-${step.status}`, "aria-label": side.username },
    h("h4", {}, side.username, " ", chip(step.status, step.word)),
    h("p", { class: "note" }, side.how),
    step.values.length
      ? [h("p", { class: "note" }, data.play.decides), h("ul", { class: "values" }, step.values.map((value) => h("li", {}, code(value))))]
      : h("p", { class: "values" }, data.play["not-reached"]),
    step.checked ? h("p", { class: "fact" }, h("em", {}, data.text.checked), " ", prose(step.checked)) : "",
    step.out ? h("p", { class: "fact" }, h("em", {}, data.text.out), " ", prose(step.out)) : "",
    step.reason ? h("p", { class: "why" }, prose(step.reason)) : "",
    number === data.steps.length ? h("p", { class: "outcome" }, prose(side.outcome)) : "")
}
