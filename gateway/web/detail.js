/** Detail: one turn in full, as a waterfall, as tables and as a file. */

import { ask, save } from "./api.js";
import { element } from "./element.js";
import { Waterfall } from "./waterfall.js";

/** A turn with all its times. Throws an Error whose message is for a person. */
export async function askTurn(id) {
  return (await ask(`turns/${encodeURIComponent(id)}`)).json();
}

export class Detail {
  constructor(id) {
    this._id = id;
    this._asked = 0;
    this._shown = 0;
    this._waterfall = new Waterfall();
    this._tables = element("div", { className: "tables", tabIndex: 0 });
    this._tables.setAttribute("role", "group");
    this._tables.setAttribute("aria-label", "Times of the turn");
    const keep = element("button", { type: "button", textContent: "Export as JSON" });
    keep.addEventListener("click", () => save(`turn-${id.slice(0, 8)}.json`, "application/json", JSON.stringify(this._turn, null, 2)));
    this.element = element("div", { className: "detail", hidden: true }, this._waterfall.element, this._tables, element("p", {}, keep));
  }

  /** Ask the gateway anew; what has the focus keeps it. Throws an Error whose message is for a person. */
  async refresh() {
    const number = ++this._asked;
    const turn = await askTurn(this._id);
    if (number < this._shown) return; // a later answer was faster
    this._shown = number;
    this._turn = turn;
    this._waterfall.show(turn);
    this._tables.replaceChildren(...tables(turn));
    this.element.hidden = false;
  }
}

/** The same as numbers. */
function tables(turn) {
  const rows = [
    ["User spoke", 0],
    ["First token", turn.first_token_ms],
    ["Last token", turn.last_token_ms],
    ...turn.tools.flatMap((tool) => [
      [`${tool.name} called`, tool.called_ms],
      [`${tool.name} answered (${tool.status ?? "not yet"})`, tool.answered_ms],
    ]),
    ["Interrupt asked for", turn.interrupt_ms],
    [`Ended: ${turn.status}${turn.reason ? `, ${turn.reason}` : ""}`, turn.ended_ms],
  ].filter(([, ms]) => ms !== null);
  return [
    table(["Event", "ms"], rows.sort((a, b) => a[1] - b[1])),
    table(
      ["Chunk", "written", "ready", "sent", "spoken"],
      turn.chunks.map((chunk) => [chunk.text, chunk.written_ms, chunk.ready_ms, chunk.sent_ms, chunk.spoken_ms]),
    ),
  ];
}

function table(head, rows) {
  const made = element("table");
  const line = (cells, name) =>
    element(
      "tr",
      {},
      ...cells.map((cell, index) => {
        const made = element(index ? name : "th", { className: index ? "number" : "", textContent: cell ?? "–" });
        if (made.tagName === "TH") made.scope = name === "th" ? "col" : "row";
        return made;
      }),
    );
  made.createTHead().append(line(head, "th"));
  made.createTBody().append(...rows.map((row) => line(row, "td")));
  return made;
}
