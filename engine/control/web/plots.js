// The two plots: lateness over time with a mark at each swap, and what each swap cost.

import {$, colour, time} from "/dom.js";

const kept = 300; // samples, one a second

// Of a logarithmic axis only the powers of ten.
const decades = (u, all) => all.map(v => Number.isInteger(Math.round(1e6 * Math.log10(v)) / 1e6) ? v : null);

const axes = x => [
  {stroke: colour("faint"), grid: {stroke: colour("line"), width: 1}, ...x},
  {
    stroke: colour("faint"), grid: {stroke: colour("line"), width: 1, filter: decades}, ticks: {show: false}, size: 70,
    filter: decades, values: (u, all) => all.map(v => v === null ? "" : time(v)),
  },
];
const inTime = (u, v) => v === null || v === undefined ? "" : time(v);

function plot(id, options, data) {
  const at = $(id), width = () => at.clientWidth;
  const u = new uPlot({width: width(), height: 240, ...options}, data, at);
  new ResizeObserver(() => u.setSize({width: width(), height: 240})).observe(at);
  return u;
}

// quantile returns the upper end, in seconds, of the octave in which part of all counts lie below it; null without any.
function quantile(counts, part) {
  const all = counts.reduce((a, b) => a + b, 0);
  let sum = 0;
  for (let i = 0; all > 0 && i < counts.length; i++) {
    sum += counts[i];
    if (sum >= part * all && counts[i] > 0) return 1e-6 * 2 ** i;
  }
  return null;
}

export class Lateness {
  data = [[], [], [], []];
  marks = []; // of swaps: {at, bad}
  before = null;

  constructor() {
    const draw = u => {
      const {ctx, bbox} = u;
      for (const {at, bad} of this.marks) {
        const x = Math.round(u.valToPos(at, "x", true));
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.strokeStyle = colour(bad ? "bad" : "good");
        ctx.setLineDash([6, 4]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.setLineDash([]);
      }
    };
    this.plot = plot("lateness", {
      scales: {x: {range: (u, from, to) => [Math.min(from, to - 60), to]}, y: {distr: 3}}, axes: axes({}), hooks: {draw: [draw]},
      series: [{}, {label: "half below", stroke: "#07c", value: inTime}, {label: "99 % below", stroke: "#b80", value: inTime},
        {label: "all below", stroke: "#d33", value: inTime}],
    }, this.data);
  }

  // add takes what the host has counted so far, by octaves: the difference is what was new.
  add(octaves) {
    const before = this.before || octaves;
    const counts = octaves.map((n, i) => n - (before[i] || 0));
    this.before = octaves;
    const row = [Date.now() / 1000, quantile(counts, .5), quantile(counts, .99), quantile(counts, 1)];
    this.data = this.data.map((all, i) => [...all, row[i]].slice(-kept));
    this.plot.setData(this.data);
  }

  mark(at, bad) {
    this.marks = [...this.marks, {at: Date.parse(at) / 1000, bad}].slice(-kept);
    this.plot.redraw(false);
  }
}

export class Pauses {
  swaps = new Map(); // by generation: {publish, pause}

  constructor() {
    const dots = (label, stroke) => ({label, stroke, value: inTime, paths: () => null, points: {show: true, size: 7, fill: stroke}});
    this.plot = plot("pauses", {
      scales: {x: {time: false}, y: {distr: 3}}, axes: axes({incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500]}),
      series: [{label: "generation"}, dots("first tick late by", "#d33"), dots("publication took", "#07c")],
    }, [[], [], []]);
  }

  published(number, seconds = {}) {
    this.swaps.set(number, {publish: seconds.publish, pause: undefined});
    this.show();
  }

  // retired says that a generation has gone: how late the first tick of the one after it was is known with that.
  retired(number, seconds = {}) {
    const next = [...this.swaps.keys()].sort((a, b) => a - b).find(n => n > number);
    if (next) this.swaps.get(next).pause = seconds.pause;
    this.show();
  }

  show() {
    const numbers = [...this.swaps.keys()].sort((a, b) => a - b).slice(-kept);
    const column = name => numbers.map(n => this.swaps.get(n)[name] ?? null);
    this.plot.setData([numbers, column("pause"), column("publish")]);
  }
}
