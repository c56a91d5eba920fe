"use strict";
// Marks the octets of the field that is pointed at or focused, and the innermost fields of an octet.

const all = (within, selector) => [...within.querySelectorAll(selector)];
const span = (field) => field.dataset.at.split(" ").map(Number);
const holds = (field, octet) => span(field)[0] <= octet && octet < span(field)[0] + span(field)[1];

// An element for the digits of each octet, and one for its character: made where somebody looks.
const split = (row, nth) => {
  const cell = (text, at) => Object.assign(document.createElement("b"), { textContent: text, octet: 16 * nth + at });
  const digits = (row.slice(6, 54).match(/\w\w /g) || []).map(cell);
  return [row.slice(0, 6), ...digits, row.slice(6 + 3 * digits.length, 56), ...[...row.slice(56)].map(cell), "\n"];
};

const prepare = ({ target }) => {
  const dump = target.matches(".frame") && target.querySelector("pre");
  if (!dump || dump.firstElementChild) return;
  dump.replaceChildren(...dump.textContent.split("\n").flatMap(split));
  for (const line of all(target, "li[data-at]")) line.tabIndex = 0;
};

// The line of a field, or of the folded one that hides it.
const visible = (field) => {
  const folded = all(field.closest(".tree"), "details:not([open])").find((one) => one.lastElementChild.contains(field));
  return folded ? folded.firstElementChild : field;
};

const innermost = (frame, octet) => {
  const around = all(frame, "[data-at]").filter((field) => holds(field, octet));
  const least = Math.min(...around.map((field) => span(field)[1]));
  return around.filter((field) => span(field)[1] === least);
};

const point = ({ target }) => {
  for (const marked of all(document, ".on")) marked.classList.remove("on");
  const frame = target.closest(".frame");
  const field = target.closest("[data-at]");
  const fields = target.octet >= 0 ? innermost(frame, target.octet) : field ? [field] : [];
  for (const field of fields) visible(field).classList.add("on");
  for (const cell of fields.length ? all(frame, "b") : []) cell.classList.toggle("on", holds(fields[0], cell.octet));
};

// A link to a frame unfolds what it lies in.
const reveal = () => {
  const goal = document.getElementById(location.hash.slice(1));
  for (let at = goal?.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
  goal?.scrollIntoView();
};

document.addEventListener("toggle", prepare, true);
for (const event of ["pointerover", "focusin"]) document.addEventListener(event, point);
addEventListener("hashchange", reveal);
reveal();
