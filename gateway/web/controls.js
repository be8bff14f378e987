/** Controls: the big button and what is written around it: the connection's state, a hint, what went wrong. */

import { Listener } from "./listener.js";

const $ = (id) => document.getElementById(id);
const PASSING_MS = 4_000;
const DOUBLE_CLICK_MS = 500;

const STATES = {
  connecting: "Connecting …",
  connected: "Connected",
  resuming: "Resuming …",
  recovered: "Recovered",
  new_session: "New session",
  unauthorized: "A key is needed",
  refused: "Refused",
  taken_over: "Taken over",
  closed: "Closed",
};
const WAITING = ["connecting", "resuming"];
/** The connection is not made again by itself. */
export const ENDED = ["refused", "taken_over", "closed"];

/** What the button does: its label, and the whole of it for a screen reader. */
const BUTTON = {
  interrupt: ["Interrupt", "Interrupt"],
  off: ["Talk", "Talk"],
  asking: ["Waiting …", "Waiting … for the microphone: stop"],
  on: ["Listening", "Listening: stop"],
};

export class Controls {
  /** `onInterrupt()`, `onTalk()`: the big button; the second one turns the microphone on, or off. */
  constructor({ onInterrupt, onTalk }) {
    this._hasKeys = !matchMedia("(pointer: coarse)").matches;
    this._interruptedAt = -Infinity;
    this._passing = 0;
    $("talk-button").addEventListener("click", () => {
      const button = $("talk-button");
      if (button.getAttribute("aria-disabled") === "true") return;
      if (button.dataset.does === "interrupt") {
        this._interruptedAt = performance.now();
        onInterrupt();
      }
      // A second click on what was "Interrupt" a moment ago means no microphone.
      else if (performance.now() - this._interruptedAt > DOUBLE_CLICK_MS) onTalk();
    });
    $("mute-button").addEventListener("click", () => {
      onTalk();
      $("talk-button").focus();
    });
    if (!Listener.isAvailable) $("welcome-listen").textContent = "Type below, and press Enter.";
  }

  /**
   * `isBusy`: there is an answer to interrupt; `isEnded`: there is no connection and will be none; `isUnsent`: what was said waits for a connection; `ear`: the
   * listener's state; `isVoiceless`: answers are read along because the browser has no voice.
   */
  refresh({ isBusy, isEnded, isUnsent, ear, isVoiceless }) {
    const button = $("talk-button");
    const does = isBusy || !Listener.isAvailable ? "interrupt" : ear;
    const [label, spoken] = BUTTON[does];
    button.dataset.does = does;
    button.setAttribute("aria-disabled", does === "interrupt" && !isBusy);
    button.setAttribute("aria-label", spoken);
    $("talk-label").textContent = label;
    $("mute-button").hidden = ear === "off";
    $("hint").textContent = isEnded ? "" : this._hint(isBusy, isUnsent, ear, isVoiceless);
  }

  _hint(isBusy, isUnsent, ear, isVoiceless) {
    if (isUnsent) return "Not sent yet: there is no connection.";
    if (ear === "asking") return "Allow the browser to use the microphone.";
    if (isVoiceless) return "No voice in this browser: read along.";
    if (isBusy && ear === "on") return "To interrupt, just talk.";
    if (isBusy) return `To interrupt, press ${this._hasKeys ? "Esc or " : ""}the red button.`;
    if (ear === "on") return "I am listening.";
    if (!Listener.isAvailable) return "This browser cannot listen, so type.";
    return $("welcome").hidden ? "Press Talk and speak, or type." : ""; // where it is said already
  }

  /** The connection's state, and why it is so. */
  connection(state, text) {
    clearTimeout(this._passing);
    if ($("state").dataset.state !== state) $("state").textContent = STATES[state];
    $("state").dataset.state = state;
    if (state === "recovered" || state === "new_session")
      this._passing = setTimeout(() => this.connection("connected", ""), PASSING_MS);
    if ($("trouble-text").textContent !== text) $("trouble-text").textContent = text;
    $("trouble").hidden = !text || !(WAITING.includes(state) || ENDED.includes(state));
    $("connect-again").hidden = !ENDED.includes(state);
  }

  /** What went wrong, until the next thing is said; empty: nothing. */
  problem(text) {
    $("problem").textContent = text;
    $("problem").hidden = !text;
  }

  /** For a screen reader alone. */
  announce(text) {
    $("announce").textContent = text;
  }

  /** `text`: why the last key was not good, empty when there was none. */
  askForKey(text) {
    $("key-wrong").textContent = text;
    $("key-wrong").hidden = !text;
    $("key-value").setAttribute("aria-invalid", Boolean(text));
    if (!$("key").open) $("key").showModal();
  }
}
