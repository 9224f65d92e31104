// The page: what it asks the host for, and where it puts the answers.

import * as host from "/api.js";
import {$, make, time} from "/dom.js";
import {draw} from "/picture.js";
import {Lateness, Pauses} from "/plots.js";

const stages = ["watch", "build", "settle", "inspect", "trial", "load", "guard", "publish", "migrate", "pause", "grace", "reclaim"];
const tail = 200; // events that are shown

let lateness, pauses, paused = false;
let change = {seconds: {}, failed: ""}; // the last one

const pause = ms => new Promise(done => setTimeout(done, ms));

// every does f again and again, unless nobody looks.
async function every(ms, f) {
  for (;;) {
    if (!document.hidden) await f().then(online, offline);
    await pause(ms);
  }
}

function online() {
  $("connection").textContent = `connected to ${location.host}, ${host.role}`;
  $("connection").className = "";
}

function offline(err) {
  if (err instanceof host.Problem && err.status === 401) return location.reload(); // the host has other tokens now
  $("connection").textContent = err instanceof host.Problem ? err.message : "the host does not answer";
  $("connection").className = "lost";
}

const hash = g => `${g.library} ${g.hash.slice(0, 12)}`;

function showStatus(s) {
  const g = s.generation, fields = {
    generation: g ? `${g.number}${s.pin ? ", pinned" : ""}` : "none yet", library: g ? hash(g) : "",
    "since tick": g ? g.activation_tick : "", ticks: `${s.ticks}${s.paused ? ", paused" : ""}`, shards: s.shards, workers: s.workers,
    swaps: s.swaps, rejected: s.rejections, faulty: s.faults,
    libraries: `${s.libraries_loaded} loaded, ${s.libraries_reclaimed} unmapped, ${s.libraries_pinned} stay`,
    "last reload": s.outcome.result, "up": time(s.uptime_seconds), process: s.pid,
  };
  $("now").replaceChildren(...Object.entries(fields).map(([name, v]) => make("div", [make("dt", name), make("dd", String(v))])));
  $("shard").max = s.shards - 1;
  paused = s.paused;
  $("pause").textContent = paused ? "Resume" : "Pause";
  const may = host.role === "operate" || host.role === "deploy";
  for (const button of $("actions").children) button.disabled = !may;
  $("step").disabled = !may || !paused;
  document.title = g ? `hotreload: generation ${g.number}` : "hotreload";
}

function showWorkers(all) {
  $("workers").replaceChildren(...all.workers.map(w => make("li", [
    make("b", `worker ${w.worker}`), ` shards ${w.first_shard} to ${w.first_shard + w.shards - 1}`, make("br"),
    `tick ${w.tick}, generation ${w.generation}`, make("br"),
    w.late.count > 0 ? `late ${time(w.late.p50)}, p99 ${time(w.late.p99)}` : `took ${time(w.took.p50)}, p99 ${time(w.took.p99)}`, make("br"),
    w.stuck_seconds > 0 ? make("b", `stuck for ${time(w.stuck_seconds)}`) : w.parked ? "waits" : "runs",
  ], w.stuck_seconds > 0 ? "stuck" : "")));
  lateness.add(all.late.octaves || []);
}

function brief(v) {
  if (typeof v === "number" && !Number.isInteger(v)) return v.toPrecision(6);
  const text = typeof v === "string" ? v : JSON.stringify(v);
  return text.length > 80 ? text.slice(0, 80) + "…" : text;
}

function showState(s) {
  const shard = s.shards[0];
  const rows = Object.entries(shard.hex ? {bytes: shard.hex} : shard.fields);
  $("fields").replaceChildren(...rows.map(([name, v]) => make("tr", [make("th", name), make("td", brief(v))])));
  $("tick").textContent = `tick ${s.tick}, ${s.size} bytes`;
  draw(shard.fields);
}

function showChange() {
  const {seconds, failed} = change;
  const seen = [...stages, "total"].filter(name => name in seconds || name === failed);
  if (failed && !seen.includes(failed)) seen.push(failed);
  $("pipeline").replaceChildren(...seen.map(name =>
    make("li", [name, make("b", name in seconds ? time(seconds[name]) : "—")], name === failed ? "failed" : "done")));
}

const published = ["running", "swapped", "rolled-back"];

function happened(kind, ev) {
  if (published.includes(kind)) {
    pauses.published(ev.generation.number, ev.stage_seconds);
    lateness.mark(ev.time, kind === "rolled-back");
    const fault = kind === "rolled-back" && change.failed === "run"; // what led to it stays in sight
    change = {seconds: {...ev.stage_seconds}, failed: fault ? "run" : ""};
    $("diagnostic").hidden = !fault;
  }
  if (kind === "reclaimed" || kind === "pinned") {
    pauses.retired(ev.generation.number, ev.stage_seconds);
    if (!change.failed) Object.assign(change.seconds, ev.stage_seconds);
  }
  if (kind === "rejected" || kind === "faulted") {
    change = {seconds: {...ev.stage_seconds}, failed: ev.stage || (kind === "faulted" ? "run" : "")};
    $("diagnostic").textContent = (ev.place ? `${ev.place}: ` : "") + ev.error;
    $("diagnostic").hidden = false;
  }
  showChange();
  const text = kind === "gap"
    ? ev.restarted ? "the host has been started anew" : `events ${ev.missed_from} to ${ev.missed_to} are not kept any more`
    : [new Date(ev.time).toLocaleTimeString(), kind, ev.generation ? `generation ${ev.generation.number}, ${hash(ev.generation)}` : "",
      ...(ev.paths || []), ev.stage ? `at ${ev.stage}:` : "", ev.error || ""].filter(Boolean).join(" ");
  $("events").prepend(make("li", text, kind));
  while ($("events").children.length > tail) $("events").lastChild.remove();
}

async function listen() {
  for (let last = ""; ;) {
    last = await host.follow(last, happened).catch(err => { offline(err); return last; });
    await pause(1000);
  }
}

// order carries out what a button stands for, and shows the answer.
async function order(button, path) {
  button.disabled = true;
  const answer = $("answer");
  answer.hidden = false;
  answer.className = "";
  answer.textContent = `${button.textContent}…`;
  try {
    const v = await host.post(path());
    answer.textContent = v.result ? `${v.result}: generation ${v.generation.number}, ${hash(v.generation)}` : v.paused ? `paused after ${v.ticks} ticks` : "resumed";
  } catch (err) {
    answer.className = "bad";
    answer.textContent = err.message;
  }
  button.disabled = false;
  showStatus(await host.get("/v1/status"));
}

async function start() {
  try {
    await host.get("/v1/status");
  } catch (err) {
    $("login").hidden = !(err instanceof host.Problem && err.status === 401);
    $("connection").textContent = sessionStorage.length ? err.message : "a token, please";
    if ($("login").hidden) offline(err);
    return;
  }
  $("login").hidden = true;
  $("view").hidden = $("actions").hidden = false;
  lateness = new Lateness();
  pauses = new Pauses();
  listen();
  every(1000, async () => showStatus(await host.get("/v1/status")));
  every(1000, async () => showWorkers(await host.get("/v1/workers")));
  every(150, async () => showState(await host.get(`/v1/state?shard=${Number($("shard").value) || 0}`)));
}

$("login").addEventListener("submit", ev => {
  ev.preventDefault();
  host.enter($("token").value);
  $("token").value = "";
  start();
});
for (const [id, path] of Object.entries({
  reload: () => "/v1/reload", rollback: () => "/v1/rollback", step: () => "/v1/step", pause: () => paused ? "/v1/resume" : "/v1/pause",
})) {
  $(id).addEventListener("click", () => order($(id), path));
}
start();
