/** The page: keys, buttons and microphone to the client, what the gateway says to captions and voice. */

import { key } from "./api.js";
import { VoiceClient } from "./client.js";
import { Controls, ENDED } from "./controls.js";
import { OwnVoice, isNoise } from "./echo.js";
import { History, read, replay } from "./history.js";
import { Listener } from "./listener.js";
import { Speaker, codePoints } from "./speaker.js";
import { Stored } from "./storage.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";
import { VoiceSettings } from "./voice.js";

const $ = (id) => document.getElementById(id);

const transcript = new Transcript($("transcript"));
const controls = new Controls({ onInterrupt: () => stop("user"), onTalk: talk });
const problem = (text) => controls.problem(text);
const speaker = new Speaker({ onStart: chunkStarts, onSpoken: chunkSpoken, onProblem: problem });
const ownVoice = new OwnVoice();
const voice = new VoiceSettings($("voice"), speaker, voiceChanged);
const listener = new Listener({ onPartial: partial, onFinal: heardUser, onChange: refresh, onProblem: problem });
const history = new History($("history"), {
  onOpen: openConversation,
  onDelete: (id) => id === client.conversationId && openConversation(null, null),
  isOpen: (id) => id === client.conversationId,
});
const timeline = new Timeline($("timeline-body"));
const client = new VoiceClient({
  url: "ws",
  key: key.get(),
  playback: true,
  onEvent: turnEvent,
  onState: stateChanged,
  onNotice: (frame) => problem(frame.error),
});
/** Which conversation is gone on with when the page is loaded again. */
const remembered = new Stored("sessionStorage", "voice-turn.conversation");

/** What the user has said while going on to speak. */
let begun = "";
/** How the turns that are not over look, and for how much of them the heard position is only an estimate. */
const views = new Map();
/** Whether the first chunk that no voice could speak is being read along; null: there was none yet. */
let isFirstSilent = null;

// What the user does

function say(text) {
  if (!text.trim()) return;
  stop("barge_in");
  begun = "";
  speaker.unlock();
  problem("");
  transcript.partial("");
  $("welcome").hidden = true;
  const turn = client.say(text, voice.lang ? { lang: voice.lang } : {});
  views.set(turn, { view: transcript.begin(text, voice.lang ?? ""), isEstimate: false });
  refresh();
}

/** Silence first; what was heard is told to the gateway after that. Returns whether there was something to stop. */
function stop(reason) {
  const stopped = hush();
  const turn = client.turn;
  const shown = views.get(turn);
  if (!shown || turn.silent) return false;
  const mine = stopped?.chunk.turn === turn ? stopped : null;
  shown.isEstimate = mine?.isEstimate ?? false;
  shown.view.silence();
  const heard = mine && { index: mine.chunk.index, chars: codePoints(mine.chunk.text, mine.chars) };
  client.interrupt({ heard, reason });
  controls.announce("Interrupted.");
  refresh();
  return true;
}

function hush() {
  const stopped = speaker.stop();
  if (stopped) ownVoice.ends();
  isFirstSilent &&= false;
  return stopped;
}

function talk() {
  if (listener.state !== "off") return listener.stop();
  problem("");
  speaker.unlock();
  listener.start(voice.spokenLang);
}

function voiceChanged() {
  if (listener.state !== "off" && listener.lang !== voice.spokenLang) listener.start(voice.spokenLang);
  refresh();
}

function partial(text) {
  if (!text) return begun ? say(begun) : transcript.partial("");
  if (isOurVoice(text, false) || isNoise(text, voice.spokenLang) || text.length < 2) return;
  stop("barge_in");
  transcript.partial(`${begun} ${text}`.trim());
}

function heardUser(text, goesOn) {
  const isOurs = isOurVoice(text, true);
  const hasWords = !isNoise(text, voice.spokenLang);
  if (hasWords && !isOurs) begun = `${begun} ${text}`.trim();
  if (begun && !goesOn) return say(begun);
  if (begun) stop("barge_in");
  transcript.partial(begun);
  if (hasWords && isOurs && !speaker.isSpeaking) transcript.dropped(text);
}

function isOurVoice(text, isFinal) {
  return ownVoice.hears(text, speaker.isSpeaking && !speaker.isSilent, isFinal);
}

// What the gateway says

function turnEvent(turn, frame) {
  const { view, isEstimate } = views.get(turn);
  switch (frame.event) {
    case "stream_start":
      remembered.set(frame.conversation_id);
      break;
    case "stream_token":
      view.token(frame.text);
      break;
    case "tts_ready_chunk": {
      const lang = voice.langOf(frame);
      const written = view.chunk(frame, lang);
      speaker.say({ turn, index: frame.index, text: frame.text, written, lang });
      break;
    }
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
      if (client.turn === turn) hush();
      view.interrupted(frame.heard_text, isEstimate);
      break;
    case "error":
      if (client.turn === turn) hush();
      view.failed(frame.error);
      if (frame.type === "frame_too_large" && !$("message").value) $("message").value = turn.message; // to be shortened
      controls.announce(frame.error);
      break;
  }
  if (turn.outcome) {
    views.delete(turn);
    document.dispatchEvent(new CustomEvent("turn-over"));
  }
  refresh();
}

function chunkStarts({ turn, index, text, written }) {
  views.get(turn)?.view.speaking(index);
  if (speaker.isSilent) controls.announce(text); // a screen reader is the voice then
  else ownVoice.begins(text, written);
  if (!speaker.hasVoice) isFirstSilent = isFirstSilent === null;
  refresh();
}

function chunkSpoken({ turn, index }) {
  ownVoice.ends();
  isFirstSilent &&= false;
  client.spoken(turn, index);
}

function stateChanged(state, text) {
  controls.connection(state, text);
  if (ENDED.includes(state)) listener.stop();
  if (state === "unauthorized") controls.askForKey(client.key ? text : "");
  refresh();
}

// What the page shows

function refresh() {
  const { turn, state } = client;
  const isLive = turn !== null && !turn.outcome;
  controls.refresh({
    isBusy: isLive && !turn.silent,
    isEnded: ENDED.includes(state),
    isUnsent: isLive && turn.id === null && (state === "connecting" || state === "resuming"),
    ear: listener.state,
    isVoiceless: isFirstSilent === true,
  });
}

function openConversation(id, conversation) {
  stop("user");
  client.conversationId = id ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  remembered.set(id ?? ""); // a new one begins with its first turn
  show(conversation ?? { turns: [], before: null });
  $("message").focus();
}

function show(conversation) {
  $("welcome").hidden = conversation.turns.length > 0;
  replay(conversation, transcript);
  refresh();
}

/** After a reload, what was said before it. */
async function goOn() {
  const id = remembered.get();
  if (!id) return;
  client.conversationId = id;
  const conversation = await read(id).catch(() => null); // then it goes on without being shown
  if (conversation && client.conversationId === id && client.turn === null) show(conversation);
}

// Wiring

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("message").value;
  $("message").value = "";
  say(text);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]") && (stop("user") || uncover())) event.preventDefault();
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
/** Close the timeline where it covers the conversation. Returns whether it did. */
function uncover() {
  const isCovered = $("talk").getClientRects().length === 0;
  if (isCovered) {
    $("show-timeline").click();
    $("show-timeline").focus();
  }
  return isCovered;
}
document.addEventListener("turn-over", () => $("timeline").hidden || timeline.refresh());
$("show-voice").addEventListener("click", () => voice.show());
$("connect-again").addEventListener("click", () => {
  client.connect();
  $("message").focus();
});
$("key").addEventListener("cancel", (event) => event.preventDefault()); // without a key there is nothing else to do
$("key").addEventListener("close", () => {
  client.key = $("key-value").value.trim();
  key.set(client.key);
  $("key-value").value = "";
  client.connect();
});
addEventListener("pagehide", () => stop("left"));

refresh();
goOn();
client.connect();
