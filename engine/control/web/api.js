// The control API of the host that served this page.

const stored = "hotreload-token";

// A token comes in the fragment, which never leaves the browser, or from the form; it lasts as long as the tab.
const handed = new URLSearchParams(location.hash.slice(1)).get("token");
if (handed) {
  enter(handed);
  history.replaceState(null, "", location.pathname);
}

export function enter(token) {
  sessionStorage.setItem(stored, token.trim().split(/\s+/).pop()); // a whole line of the token file will do
}

// Problem is an answer that refuses.
export class Problem extends Error {
  constructor(status, body) {
    super((body.stage ? `${body.result} at ${body.stage}: ` : "") + (body.detail || `status ${status}`));
    this.status = status;
  }
}

// What the token allows: "read", "operate" or "deploy"; "" before the first answer.
export let role = "";

async function ask(method, path, headers = {}, signal) {
  const token = sessionStorage.getItem(stored);
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, {method, headers, signal, cache: "no-store"});
  role = answer.headers.get("Hotreload-Role") || "";
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

export const get = async path => (await ask("GET", path)).json();
export const post = async path => (await ask("POST", path)).json();

// follow calls happened for each event that the host has kept, and then for each that comes. It returns when the stream
// ends, with the id behind which to go on. (An EventSource cannot send a token.)
export async function follow(last, happened) {
  const headers = {Accept: "text/event-stream"};
  if (last) headers["Last-Event-ID"] = last;
  const stream = (await ask("GET", "/v1/events", headers)).body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const {done, value} = await stream.read().catch(() => ({done: true}));
    if (done) return last;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = {};
      for (const line of block.split("\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
      if (!fields.data) continue;
      happened(fields.event, JSON.parse(fields.data));
      last = fields.id || last;
    }
  }
}
