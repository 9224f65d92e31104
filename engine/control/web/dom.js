// Small helpers for the document. Text from the host only ever becomes text.

export const $ = id => document.getElementById(id);

// make returns a new element with text or elements in it.
export function make(name, inside = "", className = "") {
  const e = document.createElement(name);
  e.append(...[inside].flat());
  if (className) e.className = className;
  return e;
}

// time writes seconds in the unit that suits them.
export function time(seconds) {
  if (seconds === undefined || seconds === null) return "";
  if (seconds === 0) return "0";
  for (const [unit, size] of [["s", 1], ["ms", 1e-3], ["µs", 1e-6]]) {
    if (seconds >= size) return `${(seconds / size).toPrecision(3)} ${unit}`;
  }
  return `${(seconds * 1e9).toPrecision(3)} ns`;
}

export const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
