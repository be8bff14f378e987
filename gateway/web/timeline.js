/** Timeline: what the last turns did, and when: a list on one axis, each of them to be opened. */

import { ask, save } from "./api.js";
import { Detail, askTurn } from "./detail.js";
import { element } from "./element.js";
import { BARS, bars, inWords, lastHeardOf, legend } from "./waterfall.js";

const AGAIN_MS = 2000;

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

/** A turn in the list, for as long as the gateway keeps it. */
class Row {
  constructor(id, onToggle) {
    this.id = id;
    this.detail = null;
    /** Whether what `detail` shows may have changed since. */
    this.isStale = false;
    this._text = element("span", { className: "turn-text", dir: "auto" });
    this._status = element("span", { className: "turn-status" });
    this._lane = element("span", { className: "lane mini" });
    this._lane.setAttribute("aria-hidden", "true"); // the title says it in words
    this.button = element("button", { type: "button", className: "turn-row" }, this._text, this._status, this._lane);
    this.button.setAttribute("aria-expanded", "false");
    this.button.addEventListener("click", () => onToggle(this));
    this.element = element("li", {}, this.button);
  }

  update(turn, longest) {
    this.isLive = turn.ended_ms === null;
    this.isStale ||= this._ended !== turn.ended_ms;
    this._ended = turn.ended_ms;
    this._text.textContent = turn.text;
    this._status.textContent = this.isLive ? "under way" : `${turn.status}, ${(turn.ended_ms / 1000).toFixed(1)} s`;
    this._status.dataset.status = turn.status;
    this._lane.replaceChildren(...bars(turn, longest));
    this.button.title = inWords(turn);
  }

  async open() {
    this.detail = new Detail(this.id);
    this.button.setAttribute("aria-expanded", "true");
    this.element.append(this.detail.element);
    await this.refresh();
  }

  async refresh() {
    const ended = this._ended;
    await this.detail.refresh();
    this.isStale = ended === null || ended !== this._ended;
  }

  close() {
    this.detail?.element.remove();
    this.detail = null;
    this.button.setAttribute("aria-expanded", "false");
  }
}

export class Timeline {
  constructor(body) {
    this._summary = element("dl", { className: "summary" });
    this._note = element("p", { className: "timeline-note" });
    this._note.setAttribute("role", "status");
    this._list = element("ol", { className: "turns" });
    const all = element("button", { type: "button", textContent: "Export all as JSON" });
    all.addEventListener("click", () => this._try(() => this._exportAll()));
    this._parts = [this._summary, legend(BARS), this._list, element("p", {}, all)];
    body.append(this._note, ...this._parts);
    this._ids = [];
    this._rows = new Map();
    this._asked = 0;
    this._answered = 0;
    this._shown = 0;
    this._told = "";
    this._guide = ""; // what is said while nothing goes wrong
    this._showParts(false);
    setInterval(() => body.offsetParent && this._asked === this._answered && this.refresh(), AGAIN_MS);
  }

  /** Ask the gateway anew; what has the focus, and what is open, stays so. */
  async refresh() {
    const number = ++this._asked;
    let told, problem;
    try {
      told = await (await ask("turns")).text();
    } catch (error) {
      problem = error.message;
    }
    this._answered += 1;
    if (number < this._shown) return; // a later answer was faster
    this._shown = number;
    if (problem) this._say(problem);
    else if (told !== this._told) this._update(JSON.parse(told));
    this._told = problem ? "" : told;
    if (this._open?.isStale) await this._try(() => this._open.refresh());
  }

  _update({ turns, kept }) {
    this._showParts(turns.length > 0);
    if (kept === 0) this._guide = "The timeline is off: this gateway was started with --timeline 0 and records no turns.";
    else if (turns.length === 0) this._guide = "No turn yet. Say something.";
    else this._guide = "Newest first, on one axis. Choose a turn for its waterfall.";
    this._say(this._guide);
    this._summarise(turns);
    this._ids = turns.map((turn) => turn.turn_id);
    this._removeOthers();
    // What is under way needs room to go on.
    const longest = Math.max(1, ...turns.map((turn) => lastHeardOf(turn) * (turn.ended_ms === null ? 1.25 : 1)));
    let next = this._list.firstElementChild;
    for (const turn of turns) {
      const known = this._rows.get(turn.turn_id);
      const row = known ?? new Row(turn.turn_id, (row) => this._try(() => this._toggle(row)));
      row.update(turn, longest);
      if (known) next = row.element.nextElementSibling;
      else this._list.insertBefore(row.element, next);
      this._rows.set(turn.turn_id, row);
    }
  }

  /** Forget the turns that the gateway has forgotten. */
  _removeOthers() {
    for (const [id, row] of this._rows) {
      if (this._ids.includes(id)) continue;
      const before = row.element.previousElementSibling;
      if (row.element.contains(document.activeElement)) before?.querySelector("button").focus();
      row.element.remove();
      this._rows.delete(id);
    }
  }

  _showParts(isShown) {
    for (const part of this._parts) part.hidden = !isShown;
  }

  _say(text) {
    if (this._note.textContent !== text) this._note.textContent = text; // a screen reader says it, but once
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

  get _open() {
    return [...this._rows.values()].find((row) => row.detail);
  }

  async _toggle(row) {
    const before = this._open;
    before?.close();
    if (row !== before) await row.open();
  }

  async _exportAll() {
    const turns = [];
    for (const id of this._ids) {
      try {
        turns.push(await askTurn(id));
      } catch (error) {
        if (error.status !== 404) throw error; // else the gateway has forgotten it meanwhile
      }
    }
    save("turns.json", "application/json", JSON.stringify(turns, null, 2));
  }

  async _try(action) {
    try {
      await action();
      this._say(this._guide);
    } catch (error) {
      this._say(error.message);
    }
  }
}
