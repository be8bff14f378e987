/** Listener: what the user says, as text, from the browser's speech recognition. */

const QUICK_MS = 1_000;
const MAX_QUICK_ENDS = 4;

const PROBLEMS = {
  "not-allowed": "The microphone is blocked for this page. Allow it in the browser's address bar, or type.",
  "service-not-allowed": "This browser does not let pages use speech recognition. Type instead.",
  "audio-capture": "No microphone was found. Plug one in, or type.",
  network: "The browser's speech recognition cannot be reached: it needs a network, and not every browser has it.",
  "language-not-supported": "The browser's speech recognition does not know this language. Choose another one.",
};

export class Listener {
  /**
   * - `onPartial(text)`: what the user seems to be saying; empty when nothing will come of it.
   * - `onFinal(text, goesOn)`: what the user said, and whether more is being recognised already.
   * - `onChange()`: another `state`.
   * - `onProblem(text)`: why it does not listen, in words.
   */
  constructor({ onPartial, onFinal, onChange, onProblem }) {
    this._on = { onPartial, onFinal, onChange, onProblem };
    this._recognition = null;
    this._quickEnds = 0;
    /** "off", "asking" the user for the microphone, or "on". */
    this.state = "off";
  }

  static get isAvailable() {
    return Listener.#recogniser !== undefined;
  }

  static get #recogniser() {
    return globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;
  }

  /** Listen until `stop`, also over the pauses after which browsers give up by themselves. */
  start(lang) {
    this.stop();
    const recognition = new Listener.#recogniser();
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.lang = this.lang = lang;
    let startedAt;
    recognition.onresult = (event) => {
      if (this._recognition !== recognition) return;
      this._quickEnds = 0;
      const results = Array.from(event.results).slice(event.resultIndex);
      const text = (isFinal) =>
        results
          .filter((result) => result.isFinal === isFinal)
          .map((result) => result[0].transcript.trim())
          .join(" ")
          .trim();
      if (text(true)) this._on.onFinal(text(true), Boolean(text(false)));
      if (text(false)) this._on.onPartial(text(false));
    };
    recognition.onstart = () => {
      if (this._recognition === recognition) this._become("on");
    };
    recognition.onerror = ({ error }) => {
      if (error in PROBLEMS && this._recognition === recognition) this._fail(PROBLEMS[error]);
    };
    recognition.onend = () => {
      if (this._recognition !== recognition) return;
      this._quickEnds = performance.now() - startedAt < QUICK_MS ? this._quickEnds + 1 : 0;
      if (this._quickEnds > MAX_QUICK_ENDS) return this._fail("The browser's speech recognition keeps stopping.");
      this._on.onPartial("");
      begin();
    };
    const begin = () => {
      startedAt = performance.now();
      try {
        recognition.start();
      } catch (error) {
        this._fail(`The browser's speech recognition does not start: ${error.message}`);
      }
    };
    this._recognition = recognition;
    this._become("asking");
    begin();
  }

  stop() {
    const recognition = this._recognition;
    if (recognition === null) return;
    this._recognition = null;
    this._quickEnds = 0;
    recognition.abort();
    this._on.onPartial("");
    this._become("off");
  }

  _become(state) {
    if (this.state === state) return;
    this.state = state;
    this._on.onChange();
  }

  _fail(text) {
    this.stop();
    this._on.onProblem(text);
  }
}
