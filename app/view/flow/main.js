// The component: chooses what to draw, keeps what was chosen over reruns, and draws only when something changed.

const VIEWS = { sequence, waterfall, tokens }

export default function (component) {
  const { data, parentElement: root } = component
  const state = root.flowState || (root.flowState = { view: "sequence", raw: false, open: new Set(), drawn: "", now: 0 })
  state.text = data.text
  if (state.now !== data.now) {
    state.now = data.now
    state.ahead = data.now - Date.now() / 1000
  }
  state.ask = (server) => component.setTriggerValue("attempt", server)
  const signature = `${data.id} ${data.language} ${data.steps.length} ${data.proofs}`
  if (state.drawn !== signature) {
    if (state.id !== data.id) begin(data, state)
    state.drawn = signature
    draw(root, data, state)
  }
  clearInterval(state.timer)
  state.timer = setInterval(() => tick(root, state), 1000)
  return () => clearInterval(state.timer)
}

// A new trace: the step that the address names is open, else the one that failed.
function begin(data, state) {
  state.id = data.id
  state.open = new Set()
  const asked = new URLSearchParams(window.location.search)
  const failed = data.steps.findIndex((step) => step.status === "failed")
  const wanted = data.steps.findIndex((step) =>
    step.id === asked.get("step") && (!step.server || !asked.get("server") || step.server === asked.get("server")))
  const focus = wanted >= 0 ? wanted : failed
  const servers = data.servers.map((server) => server.id)
  const of = focus >= 0 ? data.steps[focus].server : ""
  state.server = of || (servers.includes(state.server) ? state.server : servers[0] || "")
  if (focus < 0) return
  state.open.add(`part.${focus}`)
  state.open.add(`fall.${focus}`)
}

function draw(root, data, state) {
  const place = root.querySelector(".flow")
  const redraw = () => { draw(root, data, state) }
  const change = (name) => (value) => {
    state[name] = value
    redraw()
    place.querySelector(`[data-choice="${value}"]`)?.focus()
  }
  const { text } = data
  const servers = data.servers.map((server) => [server.id, `${server.label} ${SIGNS[server.status]}`])
  place.replaceChildren(
    h("div", { class: "bar-top" },
      choice(text.views, ["sequence", "waterfall", ...(data.tokens.length ? ["tokens"] : [])].map((view) => [view, text[view]]), state.view, change("view")),
      servers.length > 1 ? choice(text.servers, [...servers, ["", text.all]], state.server, change("server")) : "",
      state.view === "tokens" ? "" : choice(text.manner, [["guided", text.guided], ["raw", text.raw]],
        state.raw ? "raw" : "guided", (value) => {
          state.raw = value === "raw"
          redraw()
          place.querySelector(`[data-choice="${value}"]`)?.focus()
        })),
    VIEWS[state.view](data, state, redraw))
  place.onkeydown = (event) => walk(event, place)
  tick(root, state)
}

// The address names the step, so that it can be passed on.
function link(step) {
  const address = new URL(window.location.href)
  address.searchParams.set("step", step.id)
  if (step.server) address.searchParams.set("server", step.server)
  else address.searchParams.delete("server")
  window.history.replaceState(window.history.state, "", address)
}
