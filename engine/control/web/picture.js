// A picture of particles, for states that have arrays of positions: x and y, and vx and vy for where they go.

import {$, colour} from "/dom.js";

const numbers = v => Array.isArray(v) && v.length > 1 && v.every(n => typeof n === "number");

// positions finds two arrays of one length whose names differ in nothing but x and y: x, pos_x, px. Else null.
function positions(fields) {
  for (const name of Object.keys(fields)) {
    const at = name.lastIndexOf("x");
    if (at < 0 || /v|vel/.test(name)) continue;
    const other = name.slice(0, at) + "y" + name.slice(at + 1);
    const x = fields[name], y = fields[other];
    if (numbers(x) && numbers(y) && x.length === y.length) return {x, y};
  }
  return null;
}

let reach = 1; // of the axes: the largest coordinate so far, so that the picture keeps its scale

export function draw(fields) {
  const p = positions(fields);
  $("particles").hidden = !p;
  if (!p) return;
  const canvas = $("picture"), pen = canvas.getContext("2d"), size = canvas.width;
  const most = Math.max(...p.x.map(Math.abs), ...p.y.map(Math.abs));
  const signed = p.x.some(v => v < 0) || p.y.some(v => v < 0);
  if (Number.isFinite(most)) reach = Math.max(reach, most);
  const to = v => signed ? (v / reach + 1) * size / 2 : v / reach * size;
  pen.clearRect(0, 0, size, size);
  pen.fillStyle = pen.strokeStyle = colour("good");
  pen.lineWidth = 1.5;
  const {vx, vy} = fields, moving = numbers(vx) && numbers(vy) && vx.length === p.x.length && vy.length === p.x.length;
  for (let i = 0; i < p.x.length; i++) {
    const x = to(p.x[i]), y = to(p.y[i]);
    pen.beginPath();
    pen.arc(x, y, 3, 0, 2 * Math.PI);
    pen.fill();
    const speed = moving ? Math.hypot(vx[i], vy[i]) : 0;
    if (speed > 0) {
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(x + 10 * vx[i] / speed, y + 10 * vy[i] / speed);
      pen.stroke();
    }
  }
}
