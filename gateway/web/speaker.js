/** Speaker: chunks to speech, one utterance each, in their order; and how much of it was heard. */

const DEFAULT_CPS = 15;
const WATCHDOG_FACTOR = 2;
const WATCHDOG_MS = 4_000;

/** The language of a BCP 47 tag, without region and script. */
export const primary = (tag) => tag.toLowerCase().split(/[-_]/)[0];

/** Code points before `offset`, which counts UTF-16 units; the gateway counts as Python does. */
export function codePoints(text, offset = text.length) {
  return Array.from(text.slice(0, offset)).length;
}

export class Speaker {
  /**
   * - `onStart(chunk)`, `onSpoken(chunk)`: a chunk begins, a chunk is over. Chunks are `{text, lang, ...}`.
   * - `onProblem(text)`: why something is not heard, in words.
   */
  constructor({ onStart, onSpoken, onProblem, synth = globalThis.speechSynthesis }) {
    this._synth = synth;
    this._onStart = onStart;
    this._onSpoken = onSpoken;
    this._onProblem = onProblem;
    this._queue = [];
    this._current = null;
    this._cps = DEFAULT_CPS; // measured as it speaks, at rate 1
    this._isUnlocked = false;
    this._muted = false;
    this.rate = 1;
    /** The name of the voice that was chosen for a language, by its primary tag. */
    this.voiceNames = {};
  }

  get muted() {
    return this._muted;
  }

  /** What is being said when it falls silent is read along to its end. */
  set muted(muted) {
    this._muted = muted;
    const item = this._current;
    if (!muted || !item?.utterance) return;
    item.utterance = null;
    this._synth.cancel();
    this._readAlong(item);
  }

  get voices() {
    return this._synth?.getVoices() ?? [];
  }

  get hasVoice() {
    return this.voices.length > 0;
  }

  /** Whether it reads along in silence, at speaking rate, so that everything else still works. */
  get isSilent() {
    return this._muted || !this.hasVoice;
  }

  get isSpeaking() {
    return this._current !== null;
  }

  /** Call it while a click or key is handled: some browsers, on phones, speak only if they did so there first. */
  unlock() {
    if (this._isUnlocked || this.isSilent) return;
    this._isUnlocked = true;
    this._synth.speak(Object.assign(new SpeechSynthesisUtterance(" "), { volume: 0 }));
  }

  say(chunk) {
    this._queue.push(chunk);
    this._next();
  }

  /**
   * Silence, now. Returns `{chunk, chars, isEstimate}` for the chunk that was being spoken, null when there was none;
   * `chars` counts UTF-16 units of its text, up to a whole word.
   */
  stop() {
    const item = this._current;
    this._queue = [];
    this._current = null;
    if (item === null) return null;
    clearTimeout(item.timer);
    if (item.utterance) this._synth.cancel();
    return { chunk: item.chunk, ...this._heard(item) };
  }

  _heard({ chunk, startedAt, boundary, rate }) {
    if (startedAt === null) return { chars: 0, isEstimate: false };
    if (boundary !== null) return { chars: boundary, isEstimate: false };
    const chars = Math.floor(((performance.now() - startedAt) / 1000) * this._cps * rate);
    if (chars >= chunk.text.length) return { chars: chunk.text.length, isEstimate: true };
    return { chars: Math.max(0, chunk.text.lastIndexOf(" ", chars)), isEstimate: true };
  }

  _next() {
    if (this._current !== null || this._queue.length === 0) return;
    const chunk = this._queue.shift();
    // It keeps the utterance alive: browsers forget to end one that nobody holds.
    const item = { chunk, utterance: null, startedAt: null, boundary: null, rate: this.rate, timer: 0 };
    this._current = item;
    if (this.isSilent) this._readAlong(item);
    else this._speak(item);
  }

  _speak(item) {
    const utterance = new SpeechSynthesisUtterance(item.chunk.text);
    item.utterance = utterance;
    utterance.voice = this.voiceFor(item.chunk.lang);
    utterance.lang = utterance.voice?.lang ?? item.chunk.lang;
    utterance.rate = item.rate;
    const isOver = () => this._current !== item || item.utterance !== utterance;
    utterance.onstart = () => isOver() || this._started(item);
    utterance.onboundary = (event) => {
      if (isOver()) return;
      if (event.name !== "sentence") item.boundary = event.charIndex;
      this._watch(item, item.chunk.text.length - event.charIndex);
    };
    utterance.onend = () => isOver() || this._ended(item, true);
    utterance.onerror = ({ error }) => {
      if (isOver() || error === "interrupted" || error === "canceled") return;
      this._onProblem(
        error === "not-allowed"
          ? "The browser speaks only after a click or a key on this page."
          : `The voice failed (${error}). This part is read along in silence.`,
      );
      item.utterance = null;
      this._readAlong(item);
    };
    this._watch(item, item.chunk.text.length);
    this._synth.speak(utterance);
  }

  /** Some utterances never end, and never say so. */
  _watch(item, chars) {
    clearTimeout(item.timer);
    item.timer = setTimeout(() => {
      this._synth.cancel();
      this._ended(item, false);
    }, this._durationMs(item, chars) * WATCHDOG_FACTOR + WATCHDOG_MS);
  }

  /** Silently to its end, from where the voice has got, if it had begun. */
  _readAlong(item) {
    clearTimeout(item.timer);
    item.boundary = null;
    if (item.startedAt === null) this._started(item);
    const passedMs = performance.now() - item.startedAt;
    item.timer = setTimeout(() => this._ended(item, false), this._durationMs(item, item.chunk.text.length) - passedMs);
  }

  _durationMs(item, chars) {
    return (chars / (this._cps * item.rate)) * 1000;
  }

  _started(item) {
    item.startedAt = performance.now();
    this._onStart(item.chunk);
  }

  _ended(item, isMeasured) {
    clearTimeout(item.timer);
    const seconds = (performance.now() - item.startedAt) / 1000;
    if (isMeasured && item.startedAt !== null && item.chunk.text.length > 20 && seconds > 0.5) {
      const cps = item.chunk.text.length / seconds / item.rate;
      this._cps = Math.min(30, Math.max(5, (this._cps + cps) / 2));
    }
    this._current = null;
    this._onSpoken(item.chunk);
    this._next();
  }

  voicesFor(lang) {
    return this.voices.filter((voice) => primary(voice.lang) === primary(lang));
  }

  /** The chosen voice if it speaks the language, else the browser's best for it. */
  voiceFor(lang) {
    const fitting = this.voicesFor(lang);
    return (
      fitting.find((voice) => voice.name === this.voiceNames[primary(lang)]) ??
      fitting.find((voice) => voice.lang.toLowerCase() === lang.toLowerCase() && voice.default) ??
      fitting.find((voice) => voice.default) ??
      fitting.find((voice) => voice.localService) ??
      fitting[0] ??
      null
    );
  }
}
