/** History: the list of conversations in its dialog, to open and continue, export and delete. */

import { ask, save } from "./api.js";

const path = (id) => `conversations/${encodeURIComponent(id)}`;

export class History {
  /** `onOpen(id, turns)`: go on with this conversation, of which these turns are the last; null: a new one. */
  constructor(dialog, onOpen) {
    this._dialog = dialog;
    this._onOpen = onOpen;
    this._list = dialog.querySelector("#history-list");
    this._note = dialog.querySelector("#history-note");
    this._more = dialog.querySelector("#more-history");
    this._more.addEventListener("click", () => this._load(this._before));
    dialog.querySelector("#new-conversation").addEventListener("click", () => {
      dialog.close();
      onOpen(null, []);
    });
  }

  async show() {
    this._list.replaceChildren();
    this._dialog.showModal();
    await this._load(null);
  }

  async _load(before) {
    await this._try(async () => {
      const page = await (await ask(`conversations?limit=20${before ? `&before=${encodeURIComponent(before)}` : ""}`)).json();
      this._list.append(...page.conversations.map((conversation) => this._entry(conversation)));
      this._before = page.before;
      this._more.hidden = page.before === null;
      this._note.textContent = this._list.childElementCount ? "" : "Nothing has been said yet.";
    });
  }

  _entry(conversation) {
    const id = conversation.conversation_id;
    const entry = document.createElement("li");
    const title = conversation.first_message || "(nothing)";
    const open = this._button(title, `Continue: ${title}`, () => this._open(id));
    open.className = "title";
    const when = document.createElement("span");
    when.className = "when";
    const turns = `${conversation.turns} ${conversation.turns === 1 ? "turn" : "turns"}`;
    when.textContent = `${new Date(conversation.updated_at * 1000).toLocaleString()} · ${turns}`;
    const remove = this._button("Delete", `Delete: ${title}`, async () => {
      if (remove.dataset.sure === undefined) {
        remove.dataset.sure = "";
        remove.textContent = "Delete for good?";
        remove.setAttribute("aria-label", `Delete for good: ${title}`);
        return;
      }
      await ask(path(id), { method: "DELETE" });
      const next = entry.nextElementSibling ?? entry.previousElementSibling;
      entry.remove();
      this._note.textContent = "Deleted.";
      (next?.querySelector("button") ?? this._dialog.querySelector("#new-conversation")).focus();
    });
    const keep = this._button("Export", `Export: ${title}`, async () => {
      save(`conversation-${id.slice(0, 8)}.jsonl`, "application/x-ndjson", await (await ask(`${path(id)}/export`)).text());
      this._note.textContent = "Exported.";
    });
    entry.append(open, when, keep, remove);
    return entry;
  }

  async _open(id) {
    const { turns } = await (await ask(path(id))).json();
    this._dialog.close();
    this._onOpen(id, turns);
  }

  _button(text, label, action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => this._try(action));
    return button;
  }

  async _try(action) {
    try {
      await action();
    } catch (error) {
      this._note.textContent = error.message;
    }
  }
}
