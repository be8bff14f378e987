/** The page: keys, buttons and microphone to the client, what the gateway says to captions and voice. */

import { key } from "./api.js";
import { VoiceClient } from "./client.js";
import { History } from "./history.js";
import { Listener, isEcho } from "./listener.js";
import { Speaker, codePoints } from "./speaker.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";
import { VoiceSettings } from "./voice.js";

const $ = (id) => document.getElementById(id);
const PASSING_MS = 4_000;
const ECHO_MS = 2_500;
const ECHO_WORDS = 3;

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

const transcript = new Transcript($("transcript"));
const speaker = new Speaker({ onStart: chunkStarts, onSpoken: chunkSpoken, onProblem: problem });
const voice = new VoiceSettings($("voice"), speaker);
const listener = new Listener({ onPartial: partial, onFinal: heardUser, onChange: listening, onProblem: problem });
const history = new History($("history"), openConversation);
const timeline = new Timeline($("timeline-body"));
const client = new VoiceClient({
  url: "ws",
  key: key.get(),
  playback: true,
  onEvent: turnEvent,
  onState: stateChanged,
  onNotice: (frame) => problem(frame.error),
});

/** How the turns that are not over look, and for how much of them the heard position is only an estimate. */
const views = new Map();
let passing = 0;

let lastSpoken = ["", ""];
let lastSpokenAt = -Infinity;

// What the user does

function say(text) {
  if (!text.trim()) return;
  stop("barge_in");
  speaker.unlock();
  problem("");
  $("welcome").hidden = true;
  const turn = client.say(text, voice.lang ? { lang: voice.lang } : {});
  views.set(turn, { view: transcript.begin(text), isEstimate: false });
  refresh();
}

/** Silence first; what was heard is told to the gateway after that. Returns whether there was something to stop. */
function stop(reason) {
  const stopped = speaker.stop();
  const turn = client.turn;
  const shown = views.get(turn);
  if (!shown || turn.silent) return false;
  const mine = stopped?.chunk.turn === turn ? stopped : null;
  shown.isEstimate = mine?.isEstimate ?? false;
  shown.view.silence();
  const heard = mine && { index: mine.chunk.index, chars: codePoints(mine.chunk.text, mine.chars) };
  client.interrupt({ heard, reason });
  announce("Interrupted.");
  refresh();
  return true;
}

function partial(text) {
  if (isOurVoice(text)) return;
  stop("barge_in");
  transcript.partial(text);
}

function heardUser(text) {
  if (isOurVoice(text)) return;
  transcript.partial("");
  say(text);
}

/** Recognition is late: its last words come when we have fallen silent, and then a short one may be an answer. */
function isOurVoice(text) {
  if (speaker.isSpeaking) return isEcho(text, lastSpoken.join(" "));
  return performance.now() - lastSpokenAt < ECHO_MS && isEcho(text, lastSpoken.join(" "), ECHO_WORDS);
}

function listening(isOn) {
  if (!isOn) transcript.partial("");
  refresh();
}

// What the gateway says

function turnEvent(turn, frame) {
  const { view, isEstimate } = views.get(turn);
  switch (frame.event) {
    case "stream_token":
      view.token(frame.text);
      break;
    case "tts_ready_chunk":
      view.chunk(frame);
      speaker.say({ turn, index: frame.index, text: frame.text, lang: frame.lang ?? voice.lang ?? "en" });
      break;
    case "tool_call":
    case "tool_result":
      view.tool(frame);
      break;
    case "reply_complete":
      view.complete();
      break;
    case "stream_end":
      view.ended(frame.text, frame.timing);
      break;
    case "turn_interrupted":
      if (client.turn === turn) speaker.stop();
      view.interrupted(frame.heard_text, isEstimate);
      break;
    case "error":
      if (client.turn === turn) speaker.stop();
      view.failed(frame.error);
      announce(frame.error);
      break;
  }
  if (turn.outcome) {
    views.delete(turn);
    document.dispatchEvent(new CustomEvent("turn-over"));
  }
  refresh();
}

function chunkStarts({ turn, index, text }) {
  lastSpoken = [lastSpoken[1], text];
  views.get(turn)?.view.speaking(index);
  if (speaker.isSilent) announce(text); // a screen reader is the voice then
}

function chunkSpoken({ turn, index }) {
  lastSpokenAt = performance.now();
  client.spoken(turn, index);
}

function stateChanged(state, text) {
  clearTimeout(passing);
  $("state").dataset.state = state;
  $("state").textContent = STATES[state];
  if (state === "recovered" || state === "new_session")
    passing = setTimeout(() => stateChanged("connected", ""), PASSING_MS);
  if (state === "unauthorized") askForKey(client.key ? text : "");
  else if (state === "refused") problem(text);
  else if (state === "taken_over") problem("This conversation goes on elsewhere. Reload the page to talk here.");
  refresh();
}

// What the page shows

function refresh() {
  const isBusy = client.turn !== null && !client.turn.silent && !client.turn.outcome;
  const button = $("talk-button");
  button.dataset.does = isBusy ? "interrupt" : listener.isOn ? "mute" : "listen";
  button.hidden = !isBusy && !Listener.isAvailable;
  $("talk-label").textContent = isBusy ? "Interrupt" : listener.isOn ? "Listening" : "Talk";
  button.setAttribute("aria-label", isBusy ? "Interrupt" : listener.isOn ? "Listening: stop" : "Talk");
  $("hint").textContent = hint(isBusy);
}

function hint(isBusy) {
  if (isBusy && listener.isOn) return "To interrupt, just talk – or press Esc.";
  if (isBusy) return "To interrupt, press Esc or the red button, or say something new.";
  if (listener.isOn) return "I am listening. Press the button to stop that.";
  if (!Listener.isAvailable) return "This browser cannot listen, so type. Enter sends.";
  return "Press Talk and speak, or type. Enter sends.";
}

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function announce(text) {
  $("announce").textContent = text;
}

function askForKey(text) {
  $("key-note").textContent = text || "It is kept until you close this tab, and sent to this gateway only.";
  if (!$("key").open) $("key").showModal();
}

function openConversation(id, turns) {
  stop("user");
  client.conversationId = id ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  transcript.clear();
  $("welcome").hidden = turns.length > 0;
  for (const turn of turns) {
    const said = (role) => turn.messages.filter((message) => message.role === role).map(({ content }) => content ?? "");
    const view = transcript.begin(said("user").join("\n"));
    if (turn.status === "interrupted") {
      view.token(said("assistant").join(""));
      view.interrupted(said("assistant").join(""), false);
    } else view.ended(said("assistant").join(""), null);
  }
  $("message").focus();
}

// Wiring

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("message").value;
  $("message").value = "";
  say(text);
});
$("talk-button").addEventListener("click", () => {
  if ($("talk-button").dataset.does === "interrupt") stop("user");
  else if (listener.isOn) listener.stop();
  else {
    problem("");
    speaker.unlock();
    listener.start(voice.spokenLang);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]") && stop("user")) event.preventDefault();
});
for (const example of document.querySelectorAll(".examples button"))
  example.addEventListener("click", () => say(example.textContent));
for (const button of document.querySelectorAll("[data-closes]"))
  button.addEventListener("click", () => button.closest("dialog").close());
$("show-history").addEventListener("click", () => history.show());
$("show-timeline").addEventListener("click", async () => {
  const isShown = $("timeline").toggleAttribute("hidden") === false;
  $("show-timeline").setAttribute("aria-expanded", isShown);
  if (!isShown) return;
  await timeline.refresh();
  $("timeline-title").focus();
});
document.addEventListener("turn-over", () => $("timeline").hidden || timeline.refresh());
$("show-voice").addEventListener("click", () => voice.show());
$("key").addEventListener("cancel", (event) => event.preventDefault()); // without a key there is nothing else to do
$("key").addEventListener("close", () => {
  client.key = $("key-value").value.trim();
  key.set(client.key);
  $("key-value").value = "";
  client.connect();
});
addEventListener("pagehide", () => stop("left"));

if (!Listener.isAvailable) $("welcome-listen").textContent = "Type below, and press Enter.";
refresh();
client.connect();
