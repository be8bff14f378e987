/** Echo: whether what was recognised is the user, or only our own voice, or no word at all. */

import { primary } from "./speaker.js";

/** Recognition is late: its last words may come when we have fallen silent … */
const LATE_MS = 700;
/** … and be final later still. */
const FINAL_MS = 2_500;
const LATE_WORDS = 3;
const NOISES = "ah eh hm hmm mhm mm";
/** What is a noise in one language may be a word of another: "um" is one in Portuguese, and in German. */
const NOISES_IN = { en: "er erm uh uhm um", de: "äh ähm ehm öh", fr: "euh", it: "ehm", ja: "えっと うーん", nl: "ehm euh uh uhm" };
const COMMANDS = new Set("stop stopp halt arrête basta стоп".split(" "));

const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
const hasDigit = (word) => /\p{N}/u.test(word);

/**
 * Whether what was recognised is only our own voice, out of the loudspeaker and into the microphone: nothing but
 * words of what was spoken just now, in their order. `written`: how the reply has it; recognisers write numbers
 * as it does ("15%"), where we speak words ("fifteen percent"). `atEnd`: only its last words count, or three and
 * more. Nobody who is alone in saying "stop" is that.
 */
export function isEcho(transcript, spoken, written = spoken, atEnd = false) {
  const heard = wordsOf(transcript);
  if (heard.length === 0) return true;
  if (heard.length === 1 && COMMANDS.has(heard[0])) return false;
  const end = atEnd && heard.length < LATE_WORDS ? " $" : " ";
  const within = (words, text) => new RegExp(` ${words.join(" ")}${end}`, "u").test(` ${text.join(" ")} `);
  const reply = wordsOf(written);
  if (within(heard, wordsOf(spoken)) || within(heard, reply)) return true;
  // Or the two are mixed ("15 percent"): a number of the reply stands for the few words that it is spoken as.
  const numbers = heard.filter(hasDigit);
  if (numbers.length === heard.length || !numbers.every((number) => reply.includes(number))) return false;
  const asSpoken = heard.map((word) => (hasDigit(word) ? "\\S+(?: \\S+){0,5}" : word));
  return within(asSpoken, wordsOf(spoken));
}

/** Whether there is no word in it, in this language. */
export function isNoise(transcript, lang) {
  const noises = `${NOISES} ${NOISES_IN[primary(lang)] ?? ""}`.split(" ");
  return wordsOf(transcript).every((word) => noises.includes(word));
}

/** What our voice has said lately. */
export class OwnVoice {
  constructor() {
    this._last = [];
    this._endedAt = -Infinity;
    this._partial = null;
  }

  /** A chunk begins: what is spoken, and how the reply has it. */
  begins(text, written) {
    this._last = [...this._last.slice(-1), { text, written }];
  }

  ends() {
    this._endedAt = performance.now();
  }

  /** Whether these words, final or not, are ours. */
  hears(transcript, isSpeaking, isFinal) {
    const [spoken, written] = ["text", "written"].map((as) => this._last.map((chunk) => chunk[as]).join(" "));
    const silentMs = isSpeaking ? 0 : performance.now() - this._endedAt;
    // What was ours before it was final is so when it is.
    const wasOurs = this._partial !== null && ` ${wordsOf(transcript).join(" ")} `.startsWith(` ${this._partial} `);
    const isLate = silentMs < LATE_MS || (wasOurs && silentMs < FINAL_MS);
    const isOurs = isLate && isEcho(transcript, spoken, written, !isSpeaking && !wasOurs);
    this._partial = isOurs && !isFinal ? wordsOf(transcript).join(" ") : null;
    return isOurs;
  }
}
