/** What the gateway says over HTTP, asked with the key that the user gave. */

import { Stored } from "./storage.js";

export const key = new Stored("sessionStorage", "voice-turn.key");

/** A response. Throws an Error whose message is for a person, with the `status` of an answer that was none. */
export async function ask(path, options = {}) {
  const headers = key.get() ? { Authorization: `Bearer ${key.get()}` } : {};
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new Error("The gateway cannot be reached.");
  }
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    throw Object.assign(new Error(told.error ?? `The gateway answered ${response.status}.`), { status: response.status });
  }
  return response;
}

/** Let the browser save a text as a file. */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
