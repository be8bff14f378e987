/** History: the list of conversations in its dialog, to open and continue, export and delete. */

import { ask, save } from "./api.js";

const path = (id) => `conversations/${encodeURIComponent(id)}`;

const UNFINISHED = {
  failed: (reason) => `This turn failed (${reason}).`,
  lost: () => "The gateway stopped in the middle of this turn.",
  processing: () => "This turn is not over yet.",
};

/** A conversation as the gateway tells it. Throws an Error whose message is for a person. */
export async function read(id) {
  return (await ask(path(id))).json();
}

/** Show a conversation, as `read` gives it, in place of what the transcript shows. */
export function replay({ turns, before }, transcript) {
  transcript.clear();
  for (const turn of turns) {
    const said = (role) => turn.messages.filter((message) => message.role === role).map(({ content }) => content ?? "");
    const view = transcript.begin(said("user").join("\n"));
    const answer = said("assistant").join("");
    view.token(answer);
    if (turn.status === "interrupted") view.interrupted(answer, false);
    else if (turn.status in UNFINISHED) view.failed(UNFINISHED[turn.status](turn.reason));
    else view.ended(answer, null);
  }
  if (before !== null) transcript.note("These are its last turns. Export it to read the older ones.");
}

export class History {
  /**
   * - `onOpen(id, conversation)`: go on with this one; null, null: with a new one.
   * - `onDelete(id)`: it is gone.
   * - `isOpen(id)`: whether it is the one that is being held.
   */
  constructor(dialog, { onOpen, onDelete, isOpen }) {
    this._dialog = dialog;
    this._on = { onOpen, onDelete, isOpen };
    this._list = dialog.querySelector("#history-list");
    this._note = dialog.querySelector("#history-note");
    this._more = dialog.querySelector("#more-history");
    this._asked = 0; // only the latest answer is shown
    this._more.addEventListener("click", () => this._load(this._before));
    dialog.querySelector("#new-conversation").addEventListener("click", () => {
      dialog.close();
      onOpen(null, null);
    });
  }

  async show() {
    this._list.replaceChildren();
    this._note.textContent = "";
    this._more.hidden = true;
    this._dialog.showModal();
    await this._load(null);
  }

  async _load(before) {
    const asked = ++this._asked;
    await this._try(async () => {
      const page = await (await ask(`conversations?limit=20${before ? `&before=${encodeURIComponent(before)}` : ""}`)).json();
      if (asked !== this._asked) return;
      this._list.append(...page.conversations.map((conversation) => this._entry(conversation)));
      this._before = page.before;
      this._more.hidden = page.before === null;
      this._tell("");
    });
  }

  _tell(text) {
    this._note.textContent = this._list.childElementCount ? text : "Nothing has been said yet.";
  }

  _entry(conversation) {
    const id = conversation.conversation_id;
    const entry = document.createElement("li");
    const title = conversation.first_message || "(nothing)";
    const open = this._button(title, `Continue: ${title}`, () => this._open(id));
    open.className = "title";
    open.dir = "auto";
    if (this._on.isOpen(id)) open.setAttribute("aria-current", "true");
    const when = document.createElement("span");
    when.className = "when";
    const turns = `${conversation.turns} ${conversation.turns === 1 ? "turn" : "turns"}`;
    when.textContent = `${new Date(conversation.updated_at * 1000).toLocaleString()} · ${turns}`;
    const remove = this._button("Delete", `Delete: ${title}`, async () => {
      if (remove.dataset.sure === undefined) return arm(true);
      await ask(path(id), { method: "DELETE" });
      const next = entry.nextElementSibling ?? entry.previousElementSibling;
      entry.remove();
      this._tell("Deleted.");
      this._on.onDelete(id);
      (next?.querySelector("button") ?? this._dialog.querySelector("#new-conversation")).focus();
    });
    const arm = (isSure) => {
      remove.toggleAttribute("data-sure", isSure);
      remove.textContent = isSure ? "Sure?" : "Delete";
      remove.setAttribute("aria-label", isSure ? `Sure? Delete for good: ${title}` : `Delete: ${title}`);
    };
    remove.addEventListener("blur", () => arm(false));
    const keep = this._button("Export", `Export: ${title}`, async () => {
      save(`conversation-${id.slice(0, 8)}.jsonl`, "application/x-ndjson", await (await ask(`${path(id)}/export`)).text());
      this._tell("Exported.");
    });
    entry.append(open, when, keep, remove);
    return entry;
  }

  async _open(id) {
    const conversation = await read(id);
    this._dialog.close();
    this._on.onOpen(id, conversation);
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
