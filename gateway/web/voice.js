/** VoiceSettings: language, voice and speed, chosen in their dialog and remembered. */

const STORED = "voice-turn.voice";
const LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "ja", "zh", "ko", "ar", "hi"];

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

export class VoiceSettings {
  constructor(dialog, speaker) {
    this._dialog = dialog;
    this._speaker = speaker;
    const [lang, name, rate, muted] = ["lang", "name", "rate", "muted"].map((id) => dialog.querySelector(`#voice-${id}`));
    Object.assign(this, { _lang: lang, _name: name, _rate: rate, _muted: muted });
    const languages = new Intl.DisplayNames(["en"], { type: "language" });
    lang.append(option("", "As the gateway is set"), ...LANGUAGES.map((tag) => option(tag, languages.of(tag))));
    this._load();
    dialog.addEventListener("change", () => this._store());
    rate.addEventListener("input", () => this._store());
    globalThis.speechSynthesis?.addEventListener?.("voiceschanged", () => this._list());
    this._list();
  }

  /** The language to answer in, null when the gateway decides. */
  get lang() {
    return this._lang.value || null;
  }

  /** The language that is listened to. */
  get spokenLang() {
    return this.lang ?? navigator.language;
  }

  show() {
    this._list();
    this._dialog.showModal();
  }

  _list() {
    const voices = this._speaker.voices;
    const fitting = voices.filter((voice) => !this.lang || voice.lang.toLowerCase().startsWith(this.lang));
    const chosen = this._speaker.voiceName;
    this._name.replaceChildren(
      option("", "The browser’s best"),
      ...fitting.map((voice) => option(voice.name, `${voice.name} (${voice.lang})`)),
    );
    this._name.value = fitting.some((voice) => voice.name === chosen) ? chosen : "";
    this._name.disabled = voices.length === 0;
    this._dialog.querySelector("#voice-note").textContent = voices.length
      ? ""
      : "This browser has no voices: answers are read along in silence, at speaking speed. " +
        "Install a speech synthesiser on this machine, or try another browser.";
  }

  _load() {
    let stored = {};
    try {
      stored = JSON.parse(localStorage.getItem(STORED)) ?? {};
    } catch {
      // not ours, or no storage: begin anew
    }
    this._lang.value = LANGUAGES.includes(stored.lang) ? stored.lang : "";
    this._rate.value = stored.rate ?? 1;
    this._muted.checked = stored.muted ?? false;
    this._apply(stored.name ?? "");
  }

  _store() {
    this._apply(this._name.value);
    this._list();
    const stored = { lang: this._lang.value, name: this._name.value, rate: this._rate.value, muted: this._muted.checked };
    localStorage.setItem(STORED, JSON.stringify(stored));
  }

  _apply(name) {
    this._speaker.voiceName = name;
    this._speaker.rate = Number(this._rate.value);
    this._speaker.muted = this._muted.checked;
    this._dialog.querySelector("#voice-rate-shown").textContent = `${this._speaker.rate} ×`;
  }
}
