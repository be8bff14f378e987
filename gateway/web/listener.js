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

/**
 * Whether what was recognised is only our own voice, out of the loudspeaker and into the microphone: nothing but
 * words of what was spoken just now, in their order, and at least `minWords` of them.
 */
export function isEcho(transcript, spoken, minWords = 1) {
  const words = (text) => (text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []).join(" ");
  const heard = words(transcript);
  if (heard === "") return true;
  return heard.split(" ").length >= minWords && ` ${words(spoken)} `.includes(` ${heard} `);
}

export class Listener {
  /** `onPartial(text)`, `onFinal(text)`; `onChange(isOn)`; `onProblem(text)`: why it does not listen, in words. */
  constructor({ onPartial, onFinal, onChange, onProblem }) {
    this._on = { onPartial, onFinal, onChange, onProblem };
    this._recognition = null;
    this._quickEnds = 0;
  }

  static get isAvailable() {
    return Listener.#recogniser !== undefined;
  }

  static get #recogniser() {
    return globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;
  }

  get isOn() {
    return this._recognition !== null;
  }

  /** Listen until `stop`, also over the pauses after which browsers give up by themselves. */
  start(lang) {
    this.stop();
    const recognition = new Listener.#recogniser();
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.lang = lang;
    let startedAt = performance.now();
    recognition.onresult = (event) => {
      if (this._recognition !== recognition) return;
      this._quickEnds = 0;
      let partial = "";
      for (let index = event.resultIndex; index < event.results.length; index++) {
        const result = event.results[index];
        if (result.isFinal) this._on.onFinal(result[0].transcript.trim());
        else partial += result[0].transcript;
      }
      if (partial.trim()) this._on.onPartial(partial.trim());
    };
    recognition.onerror = ({ error }) => {
      if (error in PROBLEMS && this._recognition === recognition) this._fail(PROBLEMS[error]);
    };
    recognition.onend = () => {
      if (this._recognition !== recognition) return;
      this._quickEnds = performance.now() - startedAt < QUICK_MS ? this._quickEnds + 1 : 0;
      if (this._quickEnds > MAX_QUICK_ENDS) return this._fail("The browser's speech recognition keeps stopping.");
      startedAt = performance.now();
      recognition.start();
    };
    this._recognition = recognition;
    recognition.start();
    this._on.onChange(true);
  }

  stop() {
    const recognition = this._recognition;
    if (recognition === null) return;
    this._recognition = null;
    this._quickEnds = 0;
    recognition.abort();
    this._on.onChange(false);
  }

  _fail(text) {
    this.stop();
    this._on.onProblem(text);
  }
}
