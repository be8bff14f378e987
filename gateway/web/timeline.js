/** Timeline: what the last turns did, and when: a list on one axis, each of them as a waterfall and a table. */

import { ask, save } from "./api.js";
import { bar, table, waterfall } from "./waterfall.js";

const element = (name, fields = {}, ...children) => {
  const made = Object.assign(document.createElement(name), fields);
  made.append(...children);
  return made;
};

/** The value that this share of the numbers does not exceed; null without any. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] : null;
}

const MEASURES = [
  ["First token", (turn) => turn.first_token_ms],
  ["First chunk", (turn) => turn.first_chunk_ms],
  ["Interrupt to silence", (turn) => (turn.silent_ms === null ? null : turn.silent_ms - turn.interrupt_ms)],
];

export class Timeline {
  constructor(body) {
    this._body = body;
    this._summary = element("dl", { className: "summary" });
    this._note = element("p", { className: "timeline-note" });
    this._list = element("ol", { className: "turns" });
    const all = element("button", { type: "button", textContent: "Export all as JSON" });
    all.addEventListener("click", () => this._try(() => this._exportAll()));
    this._note.setAttribute("role", "status");
    body.append(this._summary, this._note, this._list, element("p", {}, all));
    this._open = null;
  }

  /** Ask the gateway anew. */
  async refresh() {
    await this._try(async () => {
      const { turns, kept } = await (await ask("turns")).json();
      this._turns = turns;
      this._summarise(turns);
      const longest = Math.max(1, ...turns.map((turn) => turn.ended_ms ?? 0));
      this._list.replaceChildren(...turns.map((turn) => this._entry(turn, longest)));
      this._note.textContent = kept
        ? turns.length
          ? "Newest first, on one axis. Choose a turn for its waterfall."
          : "No turn yet. Say something."
        : "The gateway records no turns: it was started with --timeline 0.";
    });
  }

  _summarise(turns) {
    this._summary.replaceChildren(
      ...MEASURES.map(([name, of]) => {
        const values = turns.map(of).filter((value) => value !== null);
        const ms = (share) => (values.length ? `${percentile(values, share) || "< 1"} ms` : "–");
        return element(
          "div",
          {},
          element("dt", { textContent: name }),
          element("dd", { textContent: `p50 ${ms(0.5)}` }),
          element("dd", { textContent: `p95 ${ms(0.95)}` }),
        );
      }),
    );
  }

  _entry(turn, longest) {
    const isOpen = this._open === turn.turn_id;
    const button = element(
      "button",
      { type: "button", className: "turn-row" },
      element("span", { className: "turn-text", textContent: turn.text }),
      element("span", { className: "turn-status", textContent: `${turn.status}, ${seconds(turn.ended_ms)}` }),
      bar(turn, longest),
    );
    button.setAttribute("aria-expanded", isOpen);
    const entry = element("li", {}, button);
    button.addEventListener("click", () => this._try(() => this._toggle(turn.turn_id, entry, button)));
    if (isOpen) this._try(() => this._show(turn.turn_id, entry));
    return entry;
  }

  async _toggle(id, entry, button) {
    this._list.querySelector(".detail")?.remove();
    this._list.querySelector("[aria-expanded=true]")?.setAttribute("aria-expanded", "false");
    this._open = this._open === id ? null : id;
    button.setAttribute("aria-expanded", this._open === id);
    if (this._open) await this._show(id, entry);
  }

  async _show(id, entry) {
    const turn = await (await ask(`turns/${encodeURIComponent(id)}`)).json();
    if (this._open !== id) return;
    const keep = element("button", { type: "button", textContent: "Export as JSON" });
    keep.addEventListener("click", () => save(`turn-${id.slice(0, 8)}.json`, "application/json", JSON.stringify(turn, null, 2)));
    entry.querySelector(".detail")?.remove();
    entry.append(element("div", { className: "detail" }, waterfall(turn), table(turn), element("p", {}, keep)));
  }

  async _exportAll() {
    const turns = [];
    for (const { turn_id: id } of this._turns ?? []) turns.push(await (await ask(`turns/${encodeURIComponent(id)}`)).json());
    save("turns.json", "application/json", JSON.stringify(turns, null, 2));
  }

  async _try(action) {
    try {
      await action();
    } catch (error) {
      this._note.textContent = error.message;
    }
  }
}

function seconds(ms) {
  return ms === null ? "under way" : `${(ms / 1000).toFixed(1)} s`;
}
