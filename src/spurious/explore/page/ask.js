// Requests to the server.

import { save } from "./files.js";

function gone(error) {
  if (!(error instanceof TypeError)) throw error; // aborted
  throw new Error("the server has stopped; start `spurious explore` again");
}

// `body` is data, or JSON text, whose numbers then stay as they are written.
async function post(path, body, signal) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal,
  }).catch(gone);
  if (!response.ok) {
    const found = await response.json().catch(() => ({}));
    throw new Error(found.error ?? `the server answered ${response.status}`);
  }
  return response;
}

export const answer = async (path, body) => (await post(path, body)).json();

// Calls `take` with each line of the answer, as it arrives.
export async function stream(path, body, signal, take) {
  const response = await post(path, body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch(gone);
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const found = JSON.parse(line);
      if (found.error) throw new Error(found.error);
      take(found);
    }
  }
}

export const download = (name, data) => save(name, new Blob([`${JSON.stringify(data, null, 1)}\n`], { type: "application/json" }));
