// The stage: the picture to look at, or a call that is played.

export default function (component) {
  const { data, parentElement: root } = component
  const state = root.stageState || (root.stageState = { chosen: 0, at: 1, drawn: "", turn: null })
  const signature = JSON.stringify(data)
  if (state.drawn !== signature) {
    state.drawn = signature
    const place = root.querySelector(".stage")
    if (data.mode === "play") state.at = 1
    state.turn = data.mode === "play" ? drawPlay(place, data, state) : drawPicture(place, data, state)
  }
  const pressed = (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target?.tagName || "") || event.target?.isContentEditable
    if (!state.turn || typing || event.ctrlKey || event.metaKey || event.altKey) return
    if (state.turn(event.key)) event.preventDefault()
  }
  // Called at each change of the data; only what the last call returns is called at the end.
  state.stop?.()
  window.addEventListener("keydown", pressed)
  return state.stop = () => window.removeEventListener("keydown", pressed)
}
