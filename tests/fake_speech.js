// Stand-ins for the speech parts of a browser, which a headless one lacks; and a log of what the page did, when.
// They keep to the specification where pages trip: everything is told later, `cancel` ends with errors, utterances
// wait in line, recognition ends by itself.
(() => {
  const log = [];
  const note = (what, more = {}) => log.push({ what, at: performance.now(), ...more });
  const options = { voices: true, cps: 400, stuck: false, boundaries: true, ...(window.__fake ?? {}) };

  class Utterance extends EventTarget {
    constructor(text) {
      super();
      Object.assign(this, { text, lang: "", voice: null, rate: 1, pitch: 1, volume: 1 });
    }
  }
  const fire = (utterance, type, fields = {}) => {
    const event = Object.assign(new Event(type), fields);
    utterance[`on${type}`]?.(event);
    utterance.dispatchEvent(event);
  };

  class Synthesis extends EventTarget {
    #queue = [];
    #timers = [];
    get speaking() {
      return this.#queue.length > 0;
    }
    get pending() {
      return this.#queue.length > 1;
    }
    getVoices() {
      const voice = (name, lang, isDefault) => ({ name, lang, default: isDefault, localService: true, voiceURI: name });
      return options.voices ? [voice("Alma", "en-GB", true), voice("Bert", "en-US", false), voice("Carla", "de-DE", false)] : [];
    }
    speak(utterance) {
      if (utterance.text.trim()) note("speak", { text: utterance.text, voice: utterance.voice?.name, rate: utterance.rate });
      this.#queue.push(utterance);
      if (this.#queue.length === 1) this.#begin();
    }
    pause() {
      note("pause");
    }
    cancel() {
      note("cancel");
      this.#timers.forEach(clearTimeout);
      const gone = this.#queue.splice(0);
      gone.forEach((utterance, index) =>
        setTimeout(() => fire(utterance, "error", { error: index ? "canceled" : "interrupted" }), 1),
      );
    }
    #begin() {
      const utterance = this.#queue[0];
      const ms = (chars) => (chars * 1000) / (options.cps * utterance.rate);
      this.#timers = [setTimeout(() => fire(utterance, "start"), 1)];
      if (options.stuck) return;
      if (options.boundaries)
        for (const { index } of utterance.text.matchAll(/\S+/g))
          this.#timers.push(setTimeout(() => fire(utterance, "boundary", { name: "word", charIndex: index }), 2 + ms(index)));
      this.#timers.push(
        setTimeout(() => {
          this.#queue.shift();
          const waits = this.pending || this.speaking; // else `speak` itself begins what the page says next
          if (utterance.text.trim()) note("end", { text: utterance.text });
          fire(utterance, "end");
          if (waits && this.#queue.length) this.#begin();
        }, 4 + ms(utterance.text.length)),
      );
    }
  }

  class Recognition extends EventTarget {
    static current = null;
    static say(transcript, isFinal = true) {
      Recognition.hear([transcript, isFinal]);
    }
    /** Several results in one event: pairs of a transcript and whether it is final. */
    static hear(...pairs) {
      const results = pairs.map(([transcript, isFinal]) => Object.assign([{ transcript, confidence: 0.9 }], { isFinal }));
      note("heard", { text: pairs.map(([transcript]) => transcript).join(" ") });
      fire(Recognition.current, "result", { resultIndex: 0, results });
    }
    /** What the user answers to a browser that asks for the microphone. */
    static allow() {
      options.microphone = true;
      fire(Recognition.current, "start");
    }
    start() {
      note("listen", { lang: this.lang });
      Recognition.current = this;
      setTimeout(() => {
        if (options.microphone === false) this.fail("not-allowed");
        else if (options.microphone !== "asks") fire(this, "start");
      }, 1);
    }
    fail(error) {
      fire(this, "error", { error });
      this.abort();
    }
    stop() {
      this.abort();
    }
    abort() {
      if (Recognition.current === this) Recognition.current = null;
      setTimeout(() => fire(this, "end"), 1);
    }
  }

  const RealSocket = window.WebSocket;
  window.WebSocket = class extends RealSocket {
    constructor(...all) {
      super(...all);
      window.__socket = this;
      note("connect", { protocols: all[1] });
      this.addEventListener("message", ({ data }) => {
        if (!options.quiet) note("frame", { frame: JSON.parse(data) });
      });
    }
    send(data) {
      if (!options.quiet) note("send", { frame: JSON.parse(data) });
      super.send(data);
    }
  };
  const define = (name, value) => Object.defineProperty(window, name, { value, configurable: true, writable: true });
  define("speechSynthesis", new Synthesis());
  define("SpeechSynthesisUtterance", Utterance);
  define("SpeechRecognition", options.microphone === null ? undefined : Recognition);
  define("webkitSpeechRecognition", undefined);
  const bringVoices = () => {
    options.voices = true;
    speechSynthesis.dispatchEvent(new Event("voiceschanged"));
  };
  window.__speech = { log, options, recognition: Recognition, bringVoices };
})();
