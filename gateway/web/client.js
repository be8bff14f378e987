/**
 * VoiceClient: a browser's end of a voice session. It needs no page and no other file: use it in yours.
 *
 *   const client = new VoiceClient({
 *     url: "ws://127.0.0.1:8080/ws",
 *     playback: true,
 *     onEvent(turn, frame) {
 *       if (frame.event === "tts_ready_chunk") speak(frame.text).then(() => client.spoken(turn, frame.index));
 *     },
 *   });
 *   client.connect();
 *   client.say("Count to twenty");
 *   client.interrupt();
 *
 * A lost connection is made again and its session resumed; no event is lost, none comes twice. What was said
 * meanwhile is sent then, and takes effect once. Frames are those of the gateway's reference.
 */

const SUBPROTOCOL = "voice-turn.v1";
const OPEN_TIMEOUT_MS = 10_000;
const PULSE_MS = 5_000;
const ACK_FRAMES = 64;
const ASK_MS = 3_000;
const FINAL_CLOSES = new Set([1002, 1003, 1007, 1008, 1010]);
const TOO_LARGE = 1009;
const TERMINAL = new Set(["stream_end", "turn_interrupted", "error"]);
/** Errors that name no turn, because none was started. */
const REFUSALS = new Set(["malformed_frame", "unknown_frame", "frame_too_large", "shutting_down", "turn_in_progress"]);

/** Pauses before each try to connect again: anything up to a bound that doubles until ten seconds. */
export function backoff(attempt, random = Math.random) {
  return Math.min(10_000, 250 * 2 ** Math.min(attempt, 10)) * random();
}

/** One thing that the user said. `id` is null until the gateway has begun it, `outcome` until it has ended. */
export class Turn {
  constructor(message, fields) {
    this.message = message;
    this.id = null;
    this.outcome = null;
    /** Whether nothing more of it is to be heard: no event but the last one comes any more. */
    this.silent = false;
    this.ref = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("");
    this.start = { event: "start_turn", message, ref: this.ref, ...fields };
    this.stop = null;
    this.heard = null;
  }

  /** All that the gateway may have missed; none of it does anything a second time. */
  *commands(isNewest) {
    if (this.id === null) yield this.start;
    if (this.heard !== null) yield this.heard;
    // Without an id it means whatever is live, and only the newest turn can be that.
    if (this.stop !== null && (isNewest || this.id !== null)) yield { ...this.stop, turn_id: this.id };
  }
}

export class VoiceClient {
  /**
   * - `url`: the gateway's WebSocket endpoint; `key`: its API key, if it wants one (may be set later).
   * - `playback`: you call `spoken` for every chunk. A turn then ends when it has been spoken.
   * - `conversationId`: go on with this conversation; may be set between turns.
   * - `onEvent(turn, frame)`: what happens in a turn, the last frame being its outcome.
   * - `onState(state, text)`: "connecting", "connected", "resuming" (the connection was lost), "recovered" (nothing
   *   is missing), "new_session" (the gateway had forgotten the session, the conversation goes on); and for good,
   *   until `connect` is called again: "unauthorized", "refused", "taken_over", "closed". `text` says why, for a
   *   person; "connecting" and "resuming" come again with it, from the second try that failed on.
   * - `onNotice(frame)`: an error that ended no turn.
   */
  constructor({ url, key = null, playback = false, conversationId = null, onEvent, onState, onNotice }) {
    this.url = new URL(url, globalThis.location?.href);
    this.url.protocol = this.url.protocol.replace("http", "ws");
    if (playback) this.url.searchParams.set("playback", "true");
    this.key = key;
    this.conversationId = conversationId;
    this.limits = null;
    this.state = "closed";
    this._ended = null; // why, once it is for good
    this._onEvent = onEvent ?? (() => {});
    this._onState = onState ?? (() => {});
    this._onNotice = onNotice ?? (() => {});
    // The connection, and the one that follows when it is lost.
    this._socket = null;
    this._ready = false;
    this._attempt = 0;
    this._asking = null;
    this._timers = {};
    // The session: who we are to the gateway, and how far we have got.
    this._session = null;
    this._lastSeq = 0;
    this._acked = 0;
    // Turns: the newest, and by `ref` all that the gateway has not ended.
    this.turn = null;
    this._open = new Map();
    this._hurry = () => {
      if (!this._ready) return (this._timers.retry || this._asking) && this._connect();
      this._alive = true; // whatever was asked before went another way
      this._pulse();
    };
  }

  /** Connect, and stay connected until `close`. */
  connect() {
    this._attempt = 0;
    this._ended = null;
    globalThis.addEventListener?.("online", this._hurry);
    this._tell(this._session ? "resuming" : "connecting");
    this._connect();
  }

  /** End it. A live turn is interrupted. */
  close() {
    this.interrupt();
    this._end("closed", "The connection was closed.");
  }

  /**
   * The user said this; a turn before it is silenced at once. `fields`: others of `start_turn`, such as `lang`.
   * Without a connection it waits for one. A turn that cannot begin fails like any other, by its last event: with
   * `frame_too_large`, or `connection_failed` once the connection has ended for good.
   */
  say(message, fields = {}) {
    if (!message.trim()) throw new RangeError("message: expected text that is not blank");
    if (this.turn) this.turn.silent = true;
    if (this.conversationId) fields = { conversation_id: this.conversationId, ...fields };
    const turn = (this.turn = new Turn(message, fields));
    const refusal = this._refusalOf(turn);
    if (refusal) {
      queueMicrotask(() => this._fail(turn, ...refusal)); // the caller has the turn by then
      return turn;
    }
    this._open.set(turn.ref, turn);
    this._send(turn.start);
    return turn;
  }

  /**
   * Silence: from now on no event of the turn comes but its outcome. Returns whether there was something to stop.
   * `heard`: `{index, chars}` of the chunk being spoken; `chars` counts code points, as Python does.
   */
  interrupt({ heard, reason } = {}) {
    const turn = this.turn;
    if (!turn || turn.silent || turn.outcome) return false;
    turn.silent = true;
    turn.stop = { event: "interrupt", turn_id: turn.id, heard, reason };
    this._send(turn.stop);
    return true;
  }

  /** This chunk of the turn, and all before it, has been spoken to its end. */
  spoken(turn, index) {
    if (turn.silent || turn.outcome) return;
    turn.heard = { event: "chunk_spoken", turn_id: turn.id, index };
    this._send(turn.heard);
  }

  /** Why this turn cannot be begun: type and text of an error, null when nothing is known against it. */
  _refusalOf({ message, start }) {
    if (this._ended !== null) return ["connection_failed", this._ended];
    if (this.limits === null) return null;
    const { max_message_chars: chars, max_frame_bytes: bytes } = this.limits;
    if (Array.from(message).length > chars)
      return ["frame_too_large", `This is too long: the gateway takes messages of at most ${chars} characters.`];
    if (new TextEncoder().encode(JSON.stringify(start)).length > bytes)
      return ["frame_too_large", `This is too long: the gateway takes frames of at most ${bytes} bytes.`];
    return null;
  }

  // To the gateway. What a lost connection swallows is sent again by `_begin`.

  _send(...frames) {
    if (this._ready) this._write(...frames);
  }

  _write(...frames) {
    for (const frame of frames) {
      const known = Object.entries(frame).filter(([, value]) => value !== null && value !== undefined);
      this._socket.send(JSON.stringify(Object.fromEntries(known)));
    }
  }

  // From the gateway

  _take(frame) {
    if (!(frame.seq > this._lastSeq)) return; // not numbered, or seen before
    this._lastSeq = frame.seq;
    if (frame.event === "stream_start" && this._open.has(frame.ref)) this._open.get(frame.ref).id = frame.turn_id;
    const turn = frame.turn_id && [...this._open.values()].find((open) => open.id === frame.turn_id);
    if (turn && TERMINAL.has(frame.event)) this._finish(turn, frame);
    else if (turn && !turn.silent) this._onEvent(turn, frame);
    else if (frame.event === "error" && !frame.turn_id) this._refused(frame);
    if (this._lastSeq - this._acked >= ACK_FRAMES || TERMINAL.has(frame.event)) {
      this._acked = this._lastSeq;
      this._send({ event: "ack", seq: this._acked });
    }
  }

  _refused(frame) {
    const turn = this.turn;
    if (REFUSALS.has(frame.type) && turn && turn.id === null && !turn.outcome) this._finish(turn, frame);
    else this._onNotice(frame);
  }

  _finish(turn, frame) {
    this._open.delete(turn.ref);
    turn.outcome = frame;
    this._onEvent(turn, frame);
  }

  _fail(turn, type, error) {
    this._finish(turn, { event: "error", type, error, turn_id: turn.id, retryable: type !== "frame_too_large" });
  }

  // Connecting

  _tell(state, text = "") {
    this.state = state;
    this._onState(state, text);
  }

  _connect() {
    this._drop();
    const protocols = this.key ? [SUBPROTOCOL, `bearer.${this.key}`] : [SUBPROTOCOL];
    let socket;
    try {
      socket = new WebSocket(this.url, protocols);
    } catch (error) {
      if (this.key && error.name === "SyntaxError")
        this._end("unauthorized", "A browser cannot send this key: it holds characters that a header may not have.");
      else this._end("refused", `The browser does not connect to ${this.url.host}: ${error.message}`);
      return;
    }
    this._socket = socket;
    this._timers.opening = setTimeout(() => this._lost(0, ""), OPEN_TIMEOUT_MS);
    let offered = null;
    socket.onopen = () => {
      const resume = this._session && { event: "resume", ...this._session, last_seq: this._lastSeq };
      this._write(...(resume ? [resume] : []), { event: "ping", t: "session" });
    };
    socket.onmessage = ({ data }) => {
      this._alive = true;
      const frame = JSON.parse(data);
      if (this._ready) return this._take(frame);
      // A `resume` that comes late finds a session opened in its place, told as `recovered: false` just like a
      // refusal, and is answered by a second `session` frame. The `pong` comes after either.
      if (frame.event === "session") offered = frame;
      if (offered && (frame.event === "pong" || offered.recovered)) this._begin(offered);
    };
    socket.onclose = ({ code, reason }) => this._lost(code, reason);
  }

  _begin(session) {
    clearTimeout(this._timers.opening);
    const isFirst = this._session === null;
    this._session = { session_id: session.session_id, resume_token: session.resume_token };
    this.limits = session.limits;
    this.conversationId ??= session.conversation_id;
    this._attempt = 0;
    this._ready = true;
    this._timers.pulse = setInterval(() => this._pulse(), PULSE_MS);
    if (!session.recovered) {
      this._lastSeq = this._acked = 0;
      for (const turn of [...this._open.values()]) {
        // What was said last, and maybe never arrived, is said again; the rest is over.
        if (turn !== this.turn || turn.id !== null || turn.silent)
          this._fail(turn, "session_lost", "The gateway no longer knows this turn.");
      }
    }
    // Some may have been said before the limits were known.
    const refused = [...this._open.values()].filter((turn) => turn.id === null && this._refusalOf(turn));
    for (const turn of refused) this._open.delete(turn.ref);
    // The `ack` says that we do acknowledge: the gateway then keeps all frames that we may miss.
    this._write({ event: "ack", seq: this._acked });
    for (const turn of this._open.values()) this._write(...turn.commands(turn === this.turn));
    this._tell(session.recovered ? "recovered" : isFirst ? "connected" : "new_session");
    for (const turn of refused) this._fail(turn, ...this._refusalOf(turn));
  }

  /** A connection that says nothing is asked; one that does not answer is dead. */
  _pulse() {
    if (!this._alive) return this._lost(0, "");
    this._alive = false;
    this._send({ event: "ping" });
  }

  async _lost(code, reason) {
    const wasReady = this._ready;
    this._drop();
    if (FINAL_CLOSES.has(code)) {
      if (reason === "taken over") this._end("taken_over", "This conversation goes on elsewhere.");
      else this._end("refused", reason || `The gateway closed with ${code}.`);
      return;
    }
    // The gateway's limits are kept here, but what lies between may take less; sent again it would fail again.
    if (code === TOO_LARGE)
      for (const turn of [...this._open.values()])
        if (turn.id === null) this._fail(turn, "frame_too_large", "This is too long for the connection.");
    let [final, text] = [null, reason];
    if (!wasReady && !reason) {
      const asking = (this._asking = {});
      [final, text] = await this._askWhy();
      if (this._asking !== asking) return; // connected anew, or ended, meanwhile
      this._asking = null;
      if (final) return this._end(final, text);
    }
    this._timers.retry = setTimeout(() => this._connect(), backoff(this._attempt++));
    if (wasReady) this._tell("resuming");
    else if (this._attempt > 1) this._tell(this.state, text);
  }

  /** A browser does not tell why a handshake was refused; the gateway does: the final state, or null, and a text. */
  async _askWhy() {
    const url = new URL(this.url);
    url.protocol = url.protocol.replace("ws", "http");
    try {
      const response = await fetch(url, {
        method: "POST", // with a GET a browser would not say whose page is asking
        headers: this.key ? { Authorization: `Bearer ${this.key}` } : {},
        signal: AbortSignal.timeout(ASK_MS),
      });
      if (response.ok) return [null, "The gateway answers, but no WebSocket can be opened. Does a proxy let them through?"];
      if (response.status === 401) return ["unauthorized", this.key ? "This key is not valid." : "The gateway wants a key."];
      return [response.status === 403 ? "refused" : null, (await response.json()).error];
    } catch {
      return [null, "The gateway cannot be reached."];
    }
  }

  /** Let go of the connection, whatever its state; nothing of it arrives any more. */
  _drop() {
    for (const timer of Object.values(this._timers)) clearTimeout(timer);
    this._timers = {};
    this._asking = null;
    this._ready = false;
    this._alive = true;
    if (this._socket) {
      this._socket.onopen = this._socket.onmessage = this._socket.onclose = null;
      this._socket.close();
    }
    this._socket = null;
  }

  _end(state, text) {
    this._drop();
    this._ended = text;
    globalThis.removeEventListener?.("online", this._hurry);
    for (const turn of [...this._open.values()]) this._fail(turn, "connection_failed", text);
    this._tell(state, text);
  }
}
