/** Transcript: what was said, as it is said, heard, and not heard. */

import { element } from "./element.js";

const MAX_SHOWN = 50;
const NEAR_PX = 60;
const MARKUP = /(\*\*|__|`{1,3}|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])|^#{1,6} )/m;

/** Text with its markup out of sight: the offsets of the raw reply still hold. */
function fill(parent, text) {
  parent.replaceChildren();
  text.split(MARKUP).forEach((piece, index) => {
    if (index % 2) parent.append(element("span", { className: "markup" }, piece));
    else if (piece) parent.append(piece);
  });
}

export class Transcript {
  constructor(log) {
    this._log = log;
    this._sticks = true;
    this._scrolledTo = 0;
    this._point = null; // what must stay in view while the text behind it grows
    this._partial = element("p", { className: "you partial" });
    this._partial.dir = "auto";
    this._dropped = element("p", { className: "notes dropped", dir: "auto" });
    log.addEventListener("scroll", () => {
      if (Math.abs(log.scrollTop - this._scrolledTo) < 2) return; // by us, not by the reader
      this._sticks = Math.abs(log.scrollTop - this._end()) < NEAR_PX;
      this._scrolledTo = log.scrollTop;
    });
    new ResizeObserver(() => this._follow()).observe(log);
  }

  clear() {
    this._log.replaceChildren();
    this._point = null;
  }

  /** A word of ours, above all turns. */
  note(text) {
    this._log.prepend(element("p", { className: "notes" }, text));
  }

  /**
   * A turn that begins with what the user said, in this language, if it is known. Old ones leave: they are in the
   * list of conversations.
   */
  begin(message, lang = "") {
    const turn = new TurnView(message, lang, (point) => this._follow(point));
    this._log.append(turn.article);
    while (this._log.childElementCount > MAX_SHOWN) this._log.firstElementChild.remove();
    this._sticks = true;
    this._point = null;
    this._follow();
    return turn;
  }

  /** What the user seems to be saying, not final yet; an empty text takes it away. */
  partial(text) {
    this._dropped.remove();
    this._partial.textContent = text;
    if (text) this._log.append(this._partial);
    else this._partial.remove();
    this._follow();
  }

  /** What was recognised and not taken for the user's, until there is more to show. */
  dropped(text) {
    this._dropped.textContent = `${text} (taken for an echo: say it again)`;
    this._log.append(this._dropped);
    this._follow();
  }

  /** Show the latest, unless the reader has scrolled elsewhere. */
  _follow(point = this._point) {
    this._point = point;
    if (!this._sticks) return;
    this._log.scrollTop = this._end();
    this._scrolledTo = this._log.scrollTop;
  }

  /** Where the latest is seen: at the end, but not beyond what is being spoken. */
  _end() {
    const log = this._log;
    const last = log.scrollHeight - log.clientHeight;
    if (!this._point?.isConnected) return last;
    const above = this._point.getBoundingClientRect().top - log.getBoundingClientRect().top;
    return Math.max(0, Math.min(last, log.scrollTop + above - log.clientHeight / 3));
  }
}

/** A word that only a screen reader reads. */
function heading(text) {
  const made = element("span", { className: "only-heard" }, text);
  made.lang = "en";
  made.dir = "ltr"; // else it would decide for all that follows
  return made;
}

/** One turn: the raw reply so far, cut into the chunks that are spoken, and the rest of it. */
export class TurnView {
  /** `onGrowth(point)`: there is more to see, behind this element from now on. */
  constructor(message, lang, onGrowth) {
    this._onGrowth = onGrowth;
    this.article = element("article", { className: "turn" });
    const you = element("p", { className: "you" });
    you.append(heading("You: "), message);
    this._answer = element("p", { className: "answer" });
    you.lang = this._answer.lang = lang;
    you.dir = this._answer.dir = "auto";
    this._tail = element("span", { className: "tail" });
    this._answer.append(heading("Answer: "), this._tail);
    this._notes = element("p", { className: "notes" });
    this.article.append(you, this._answer, this._notes);
    this._reply = "";
    this._at = 0; // where the tail begins, in UTF-16 units …
    this._atPoint = 0; // … and in code points, as the gateway counts
    this._chunks = new Map();
  }

  token(text) {
    this._reply += text;
    this._tail.append(text);
    this._onGrowth();
  }

  /** `lang`: of the answer, from here on. Returns what the reply has where the chunk is from. */
  chunk({ index, span: [start, end], text }, lang) {
    this._answer.lang = lang;
    const made = element("span", { className: "chunk" });
    this._chunks.set(index, made);
    if (start === end) {
      made.classList.add("filler"); // spoken, but no part of the reply
      made.textContent = `${text} `;
      this._tail.before(made);
    } else {
      const from = this._offsetOf(start);
      if (from === this._reply.length) this._reply += `${text} `; // no captions
      const until = this._offsetOf(end);
      fill(made, this._reply.slice(from, until));
      this._tail.before(this._plain(this._reply.slice(this._at, from)), made);
      [this._at, this._atPoint] = [until, end];
      fill(this._tail, this._reply.slice(until));
    }
    this._onGrowth();
    return made.textContent;
  }

  /** From the gateway's code points to an offset of the reply; not before the tail. */
  _offsetOf(point) {
    let offset = this._at;
    for (let at = this._atPoint; at < point && offset < this._reply.length; at++)
      offset += this._reply.codePointAt(offset) > 0xffff ? 2 : 1;
    return offset;
  }

  /** What lies between two chunks: markup, blank lines, a block that is not spoken. */
  _plain(text) {
    const between = element("span");
    fill(between, text);
    return between;
  }

  /** The reply is complete, although not yet spoken. */
  complete() {
    fill(this._tail, this._reply.slice(this._at));
  }

  /** The chunk that is being spoken now; null: none. */
  speaking(index) {
    for (const [other, made] of this._chunks) {
      if (other <= (index ?? -1)) made.classList.add("said");
      made.classList.toggle("speaking", other === index);
    }
    this._onGrowth(this._chunks.get(index));
  }

  tool({ tool_call_id: id, name, status }) {
    let made = this._tools?.get(id);
    if (!made) {
      made = element("span", { className: "tool" });
      (this._tools ??= new Map()).set(id, made);
      this._answer.before(made);
    }
    made.textContent = status === undefined ? `${name} …` : `${name} ${status === "ok" ? "✓" : "failed"}`;
    this._onGrowth();
  }

  /** The user broke in: nothing more is highlighted, the rest of the text waits for the gateway's word. */
  silence() {
    this.speaking(null);
    this.article.classList.add("silenced");
  }

  /** Only `heardText` was heard. `isEstimate`: where exactly the voice stopped is not known. */
  interrupted(heardText, isEstimate) {
    this.silence();
    const cut = Math.min(heardText.length, this._reply.length);
    const mark = element("span", { className: "cut" }, isEstimate ? "interrupted about here" : "interrupted here");
    const heard = element("span", { className: "said" });
    const unheard = element("s", { className: "unheard" });
    fill(heard, this._reply.slice(0, cut));
    fill(unheard, this._reply.slice(cut).trimEnd());
    [mark.lang, mark.dir] = ["en", "ltr"];
    const gap = (text, blank) => (blank.test(text) ? "" : " "); // where the reply has none itself
    this._answer.replaceChildren(this._answer.firstChild, heard, gap(heard.textContent, /\s$/), mark);
    this._answer.append(gap(unheard.textContent, /^\s/));
    if (unheard.textContent) this._answer.append(heading("Not heard: "), unheard);
    this._forget();
    this._onGrowth(mark);
  }

  ended(text, timing) {
    this.speaking(null);
    const all = element("span", { className: "said" });
    fill(all, text ?? this._reply);
    this._answer.replaceChildren(this._answer.firstChild, all);
    if (!all.textContent.trim()) this.note("The answer was empty.");
    else if (timing?.first_chunk_ms != null) this.note(`first words after ${timing.first_chunk_ms} ms`);
    this._forget();
  }

  failed(text) {
    this.silence();
    this.article.append(element("p", { className: "error" }, text));
    this._forget();
    this._onGrowth();
  }

  note(text) {
    this._notes.textContent = text;
    this._onGrowth();
  }

  _forget() {
    this._chunks.clear();
    this._tools = undefined;
    if (!this._notes.textContent) this._notes.remove();
    this._onGrowth();
  }
}
