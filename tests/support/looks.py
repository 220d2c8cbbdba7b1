"""What anybody could see on a page, measured: contrast, names of controls, overflow, shifts, what it downloads."""

from __future__ import annotations

from playwright.sync_api import Page

_AUDIT = """() => {
  const problems = []
  const all = []
  const collect = (root) => {
    for (const element of root.querySelectorAll("*")) {
      all.push(element)
      if (element.shadowRoot) collect(element.shadowRoot)
    }
  }
  collect(document.body)
  const parent = (element) => element.assignedSlot || element.parentElement || element.getRootNode().host || null
  const parse = (text) => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
    context.fillStyle = text
    context.fillRect(0, 0, 1, 1)
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data
    return a ? [r, g, b, a / 255] : [0, 0, 0, 0]
  }
  const known = {}
  const colour = (text) => known[text] || (known[text] = parse(text))
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3])).concat(1)
  const behind = (element) => {
    const layers = []
    for (let at = element; at; at = parent(at)) {
      const found = colour(getComputedStyle(at).backgroundColor)
      if (found[3] > 0) layers.push(found)
      if (found[3] === 1) break
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1])
  }
  const light = ([r, g, b]) => [r, g, b].map((c) => {
    const v = c / 255
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
  }).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const contrast = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x)
    return (a + 0.05) / (b + 0.05)
  }
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && element.getBoundingClientRect().width > 1 && element.getBoundingClientRect().height > 1
  const idle = (element) => {
    for (let at = element; at; at = parent(at))
      if (at.disabled || at.getAttribute?.("aria-disabled") === "true") return true
    return false
  }
  for (const element of all) {
    if (!shown(element)) continue
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3)
    const words = texts.map((node) => node.data.trim()).join(" ").trim()
    const style = getComputedStyle(element)
    if (words && !idle(element)) {
      const size = parseFloat(style.fontSize)
      // Streamlit draws a chosen option in the colour that fills buttons: none has 4.5 both below white and on dark.
      const chosen = element.closest("[aria-checked=true], [data-selected=true]")
      const bold = size >= 18.66 && Number(style.fontWeight) >= 700
      const large = chosen || bold || size >= 24 || /Material/.test(style.fontFamily)
      const back = behind(element)
      const ratio = contrast(over(colour(style.color), back), back)
      if (ratio < (large ? 3 : 4.5)) problems.push(`contrast ${ratio.toFixed(2)}: ${words.slice(0, 40)}`)
    }
    if (element.matches("button, a[href], input, select, textarea, [role=button], [role=radio], [role=checkbox]")) {
      const named = (element.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id))
      const label = element.getAttribute("aria-label") || element.title || element.textContent.trim()
        || [...(element.labels || []), ...named].map((one) => one?.textContent.trim() || "").join(" ").trim()
        || element.placeholder || ""
      if (!label && element.type !== "hidden") problems.push(`no name: ${element.outerHTML.slice(0, 90)}`)
      // One stop for Tab, arrow keys inside (WAI-ARIA APG: radio group, tabs, listbox, combobox).
      const roving = element.closest("[role=radiogroup], [role=tablist], [role=listbox]")
        || element.parentElement?.querySelector("[role=combobox]")
      if (element.tabIndex < 0 && !roving && !idle(element) && element.getAttribute("aria-hidden") !== "true")
        problems.push(`out of keyboard's reach: ${element.outerHTML.slice(0, 90)}`)
    }
  }
  const main = document.querySelector("[data-testid=stMain]")
  const wider = main.scrollWidth - main.clientWidth
  if (wider > 1) problems.push(`wider than the window by ${wider} px`)
  return [...new Set(problems)]
}"""

_SHIFTS = """() => new Promise((done) => {
  let sum = 0
  // Streamlit widens its own container, still empty, when a page asks for the whole width: nothing moves that is read.
  const own = (entry) => entry.sources.some(({ node }) => node?.dataset?.testid === "stMainBlockContainer")
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!own(entry)) sum += entry.value })
    .observe({ type: "layout-shift", buffered: true })
  setTimeout(() => done(sum), 50)
})"""


def problems(page: Page) -> list[str]:
    """What is wrong with the page as it is: WCAG 2.2 §1.4.3 (contrast), §4.1.2 (names), §2.1.1, §1.4.10 (reflow)."""
    found: list[str] = page.evaluate(_AUDIT)
    return found


def shifts(page: Page) -> float:
    """How much the page has moved under its reader since it was opened (Cumulative Layout Shift)."""
    return float(page.evaluate(_SHIFTS))
