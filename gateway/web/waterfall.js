/** One turn's times as pictures: bars on a shared axis, and in words for the lane that is pointed at or chosen. */

import { element } from "./element.js";

/** Something from `start` to `end` on a lane that is `total` long. */
function span(className, start, end, total) {
  const made = element("span", { className });
  made.style.left = `${(100 * start) / total}%`;
  made.style.width = `${(100 * Math.max(0, end - start)) / total}%`;
  return made;
}

const show = (ms) => (ms === null || ms === undefined ? "–" : `${ms} ms`);

/** When a turn was last heard of: its end, if it has one. */
export function lastHeardOf(turn) {
  return turn.ended_ms ?? Math.max(turn.first_chunk_ms ?? 0, turn.last_token_ms ?? 0, turn.interrupt_ms ?? 0);
}

/** The whole turn in one line, on an axis that is `total` long: its bars. */
export function bars(turn, total) {
  const end = lastHeardOf(turn);
  const first = turn.first_chunk_ms ?? end;
  const made = [span("wait", 0, first, total), span("spoken", first, end, total)];
  if (turn.ended_ms === null) made.push(span("live", end, total, total));
  if (turn.first_token_ms !== null) made.push(span("token", turn.first_token_ms, turn.first_token_ms, total));
  if (turn.interrupt_ms !== null) made.push(span("stop", turn.interrupt_ms, turn.interrupt_ms, total));
  return made;
}

/** The moments of the whole turn in words. */
export function inWords(turn) {
  return [
    ["first token", turn.first_token_ms],
    ["first chunk", turn.first_chunk_ms],
    ["interrupt", turn.interrupt_ms],
    [turn.status, turn.ended_ms],
  ]
    .filter(([, ms]) => ms !== null)
    .map(([name, ms]) => `${name} ${show(ms)}`)
    .join(", ");
}

/** What the colours mean: a line of [class, text]. */
export function legend(entries) {
  return element("p", { className: "legend" }, ...entries.map(([className, text]) => element("span", {}, element("i", { className }), text)));
}

export const BARS = [
  ["wait", "until the first chunk"],
  ["spoken", "until the end"],
  ["live", "under way"],
  ["token", "first token"],
  ["stop", "interrupt"],
];

const LANES = [
  ["bin", "tokens"],
  ["token", "first token"],
  ["tool-bar", "tool"],
  ["wait", "written, not sent"],
  ["queued", "sent, in line"],
  ["spoken", "spoken"],
  ["cut-off", "cut off"],
  ["stop", "interrupt"],
  ["end", "end of the turn"],
];

/** What happened, on one axis: lanes of `{name, told, spans}`. */
function lanesOf(turn, total) {
  const { tokens, density, tools, chunks } = turn;
  const most = Math.max(0, ...density.counts);
  const lanes = [{
    name: "Tokens",
    told: `${tokens}, at most ${most} in ${density.bin_ms} ms, first ${show(turn.first_token_ms)}, last ${show(turn.last_token_ms)}`,
    spans: strip(turn, most, total),
  }];
  for (const tool of tools)
    lanes.push({
      name: tool.name,
      told: `called ${show(tool.called_ms)}, answered ${show(tool.answered_ms)}${tool.status ? ` (${tool.status})` : ""}`,
      spans: [span("tool-bar", tool.called_ms, tool.answered_ms ?? total, total)],
    });
  let voiceFree = 0;
  for (const chunk of chunks) {
    const sent = chunk.sent_ms ?? chunk.ready_ms;
    const begins = Math.max(sent, voiceFree);
    const ends = chunk.spoken_ms ?? turn.interrupt_ms ?? begins;
    const spans = [span("wait", chunk.written_ms, sent, total), span("queued", sent, Math.min(begins, ends), total)];
    if (chunk.spoken_ms !== null) spans.push(span("spoken", begins, ends, total));
    else if (ends > begins) spans.push(span("cut-off", begins, ends, total));
    voiceFree = Math.max(voiceFree, ends);
    const told = `written ${show(chunk.written_ms)}, ready ${show(chunk.ready_ms)}, sent ${show(chunk.sent_ms)}, spoken ${show(chunk.spoken_ms)}`;
    lanes.push({ name: chunk.text, told, spans });
  }
  return lanes;
}

/** Tokens as a density strip: the more in a bin, the higher it is. */
function strip({ density: { bin_ms: bin, counts }, first_token_ms: first }, most, total) {
  const made = [];
  counts.forEach((count, index) => {
    if (!count) return;
    made.push(span("bin", index * bin, Math.min(total, (index + 1) * bin), total));
    made.at(-1).style.top = `${70 * (1 - count / most)}%`;
  });
  if (first !== null) made.push(span("token", first, first, total));
  return made;
}

function axis(total) {
  const track = element("span", { className: "lane" });
  const power = 10 ** Math.max(0, Math.floor(Math.log10(total / 5)));
  const step = power * ([1, 2, 5].find((many) => total <= 5 * many * power) ?? 10);
  const inSeconds = total >= 2000;
  for (let ms = 0; ms <= total; ms += step) {
    const tick = span("tick", ms, ms, total);
    tick.textContent = inSeconds ? ms / 1000 : ms;
    track.append(tick);
  }
  const row = element("div", { className: "row axis" }, element("span", { className: "lane-name", textContent: inSeconds ? "Seconds" : "Milliseconds" }), track);
  row.setAttribute("aria-hidden", "true"); // a scale for the eye; the lanes tell their times in words
  return row;
}

let waterfalls = 0;

/** A lane for each thing that happened. One tab stop; arrow keys, a pointer or a finger choose a lane, whose times are told. */
export class Waterfall {
  constructor() {
    this._id = `waterfall-${++waterfalls}`;
    this._axis = element("div");
    this._told = element("p", { className: "told" });
    this._lanes = element("div", { className: "lanes", tabIndex: 0 });
    this._lanes.setAttribute("role", "listbox");
    this._chosen = -1;
    this.element = element("div", { className: "waterfall" }, element("div", { className: "head" }, this._told, this._axis), this._lanes, legend(LANES));
    const at = (event) => this._rows.indexOf(event.target.closest(".row"));
    this._lanes.addEventListener("pointerover", (event) => this._tell(at(event)));
    this._lanes.addEventListener("pointerleave", () => this._tell(this._chosen));
    this._lanes.addEventListener("click", (event) => this._choose(at(event)));
    this._lanes.addEventListener("focus", () => this._lanes.matches(":focus-visible") && this._choose(Math.max(0, this._chosen)));
    this._lanes.addEventListener("keydown", (event) => this._key(event));
  }

  /** Show this turn; the lane that was chosen stays so. */
  show(turn) {
    this._turn = turn;
    const times = turn.chunks.flatMap((chunk) => [chunk.ready_ms, chunk.spoken_ms ?? 0]);
    const total = Math.max(1, lastHeardOf(turn), ...times);
    this._all = lanesOf(turn, total);
    this._rows = this._all.map(({ name, told, spans }, index) => {
      const track = element("span", { className: "lane" }, ...spans);
      if (turn.ended_ms !== null) track.append(span("end", turn.ended_ms, turn.ended_ms, total));
      if (turn.interrupt_ms !== null) track.append(span("stop", turn.interrupt_ms, turn.interrupt_ms, total));
      const row = element("div", { className: "row", id: `${this._id}-${index}` }, element("span", { className: "lane-name", dir: "auto", textContent: name }), track);
      row.setAttribute("role", "option");
      row.setAttribute("aria-label", `${name}: ${told}`);
      return row;
    });
    this._axis.replaceChildren(axis(total));
    this._lanes.setAttribute("aria-label", `Waterfall of the turn, ${total} ms long`);
    this._lanes.replaceChildren(...this._rows);
    this._choose(this._chosen);
  }

  _choose(index) {
    this._chosen = index;
    this._rows.forEach((row, at) => row.setAttribute("aria-selected", at === index));
    if (index < 0) this._lanes.removeAttribute("aria-activedescendant");
    else this._lanes.setAttribute("aria-activedescendant", this._rows[index].id);
    this._tell(index);
  }

  _tell(index) {
    const { name, told } = this._all[index] ?? { name: "The whole turn", told: inWords(this._turn) };
    const title = element("strong", { dir: "auto", textContent: name });
    this._told.replaceChildren(title, element("span", { textContent: told }));
  }

  _key(event) {
    const last = this._rows.length - 1;
    const to = { ArrowDown: Math.min(last, this._chosen + 1), ArrowUp: Math.max(0, this._chosen - 1), Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this._choose(to);
    this._rows[to].scrollIntoView({ block: "nearest" });
  }
}
