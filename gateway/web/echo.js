/** Echo: whether what was recognised is the user, or only our own voice, or no word at all. */

const LATE_MS = 2_500;
const LATE_WORDS = 3;
const NOISES = new Set("ah äh ähm ehm er erm eh euh hm hmm mhm mm uh uhm um えっと うーん".split(" "));
const COMMANDS = new Set("stop stopp halt arrête basta стоп".split(" "));

const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];

/**
 * Whether what was recognised is only our own voice, out of the loudspeaker and into the microphone: nothing but
 * words of what was spoken just now, in their order, and at least `minWords` of them. Nobody who is alone in saying
 * "stop" is that.
 */
export function isEcho(transcript, spoken, minWords = 1) {
  const heard = wordsOf(transcript);
  if (heard.length === 0) return true;
  if (heard.length < minWords || (heard.length === 1 && COMMANDS.has(heard[0]))) return false;
  return ` ${wordsOf(spoken).join(" ")} `.includes(` ${heard.join(" ")} `);
}

/** Whether there is no word in it. */
export function isNoise(transcript) {
  return wordsOf(transcript).every((word) => NOISES.has(word));
}

/** What our voice has said lately. */
export class OwnVoice {
  constructor() {
    this._last = ["", ""];
    this._endedAt = -Infinity;
  }

  begins(text) {
    this._last = [this._last[1], text];
  }

  ends() {
    this._endedAt = performance.now();
  }

  /** Recognition is late: its last words come when we have fallen silent, and then a short one may be an answer. */
  hears(transcript, isSpeaking) {
    const spoken = this._last.join(" ");
    if (isSpeaking) return isEcho(transcript, spoken);
    return performance.now() - this._endedAt < LATE_MS && isEcho(transcript, spoken, LATE_WORDS);
  }
}
