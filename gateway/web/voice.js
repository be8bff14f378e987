/** VoiceSettings: language, voice and speed, chosen in their dialog and remembered. */

import { primary } from "./speaker.js";
import { Stored } from "./storage.js";

const LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "ja", "zh", "ko", "ar", "hi"];

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

export class VoiceSettings {
  /** `onChange()`: something was chosen, or the browser has other voices now. */
  constructor(dialog, speaker, onChange) {
    this._dialog = dialog;
    this._speaker = speaker;
    this._stored = new Stored("localStorage", "voice-turn.voice");
    const [lang, name, rate, muted] = ["lang", "name", "rate", "muted"].map((id) => dialog.querySelector(`#voice-${id}`));
    Object.assign(this, { _lang: lang, _name: name, _rate: rate, _muted: muted });
    this._languages = new Intl.DisplayNames(["en"], { type: "language" });
    lang.append(option("", "As the gateway is set"), ...LANGUAGES.map((tag) => option(tag, this._languages.of(tag))));
    /** The language that answers were in lately, and when the dialog was opened: it does not change under the hand. */
    this._heard = this._shown = null;
    this._load();
    const changed = (event) => {
      // Not what the list shows: a voice that is remembered may not be there yet.
      if (event.target === name) this._speaker.voiceNames[primary(this._answersIn)] = name.value;
      this._store();
      onChange();
    };
    dialog.addEventListener("change", changed);
    rate.addEventListener("input", changed);
    globalThis.speechSynthesis?.addEventListener?.("voiceschanged", () => {
      this._list();
      onChange();
    });
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

  /** The language of a chunk that came. */
  langOf(chunk) {
    this._heard = chunk.lang ?? this.lang ?? "en";
    return this._heard;
  }

  show() {
    this._shown = this._heard;
    this._list();
    this._dialog.showModal();
  }

  get _answersIn() {
    return this.lang ?? this._shown ?? navigator.language;
  }

  /** The voices that can speak the answers; others would not be asked to. */
  _list() {
    const language = this._languages.of(primary(this._answersIn));
    const fitting = this._speaker.voicesFor(this._answersIn);
    const chosen = this._speaker.voiceNames[primary(this._answersIn)];
    this._dialog.querySelector("#voice-name-label").textContent = `Voice for ${language}`;
    this._name.replaceChildren(
      option("", "The browser’s best"),
      ...fitting.map((voice) => option(voice.name, `${voice.name} (${voice.lang})`)),
    );
    this._name.value = fitting.some((voice) => voice.name === chosen) ? chosen : "";
    this._name.disabled = fitting.length === 0;
    this._dialog.querySelector("#voice-note").textContent = this._note(fitting, language);
  }

  _note(fitting, language) {
    if (!this._speaker.hasVoice)
      return (
        "This browser has no voices: answers are read along in silence, at speaking speed. " +
        "Install a speech synthesiser on this machine, or try another browser."
      );
    return fitting.length ? "" : `This browser has no voice for ${language}: what it takes instead may be hard to understand.`;
  }

  _load() {
    let stored = {};
    try {
      stored = JSON.parse(this._stored.get()) ?? {};
    } catch {
      // not ours: begin anew
    }
    this._lang.value = LANGUAGES.includes(stored.lang) ? stored.lang : "";
    this._rate.value = stored.rate ?? 1;
    this._muted.checked = stored.muted ?? false;
    this._speaker.voiceNames = { ...stored.names };
    this._apply();
  }

  _store() {
    this._apply();
    this._list();
    const [lang, rate, muted] = [this._lang.value, this._rate.value, this._muted.checked];
    this._stored.set(JSON.stringify({ lang, rate, muted, names: this._speaker.voiceNames }));
  }

  _apply() {
    this._speaker.rate = Number(this._rate.value);
    if (this._speaker.muted !== this._muted.checked) this._speaker.muted = this._muted.checked;
    this._dialog.querySelector("#voice-rate-shown").textContent = `${this._speaker.rate} ×`;
  }
}
