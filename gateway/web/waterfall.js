/** One turn's times as pictures: bars on a shared axis, and the same as a table. */

function element(name, className, text, title) {
  const made = document.createElement(name);
  made.className = className;
  if (text) made.textContent = text;
  if (title) made.title = title;
  return made;
}

/** Something from `start` to `end` on a lane that is `total` long. */
function span(className, start, end, total, title) {
  const made = element("span", className, "", title);
  made.style.left = `${(100 * start) / total}%`;
  made.style.width = `${(100 * Math.max(0, end - start)) / total}%`;
  return made;
}

const show = (ms) => (ms === null || ms === undefined ? "–" : `${ms} ms`);

/** The whole turn in one line, on an axis that is `total` long. */
export function bar(turn, total) {
  const lane = element("span", "lane mini");
  lane.setAttribute("aria-hidden", "true"); // the table has the numbers
  const end = turn.ended_ms ?? total;
  const first = turn.first_chunk_ms ?? end;
  lane.append(span("wait", 0, first, total, `first chunk ${show(turn.first_chunk_ms)}`));
  lane.append(span("spoken", first, end, total, `ended ${show(turn.ended_ms)}`));
  if (turn.first_token_ms !== null)
    lane.append(span("token", turn.first_token_ms, turn.first_token_ms, total, `first token ${show(turn.first_token_ms)}`));
  if (turn.interrupt_ms !== null)
    lane.append(span("stop", turn.interrupt_ms, turn.interrupt_ms, total, `interrupt ${show(turn.interrupt_ms)}`));
  return lane;
}

/** A lane for each thing that happened, all on one axis. */
export function waterfall(turn) {
  const times = turn.chunks.flatMap((chunk) => [chunk.ready_ms, chunk.spoken_ms ?? 0]);
  const total = Math.max(1, turn.ended_ms ?? 0, turn.last_token_ms ?? 0, ...times);
  const chart = element("div", "waterfall");
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", `Waterfall of the turn, ${total} ms long; the table below has the same times.`);
  const lane = (name, ...spans) => {
    const row = element("div", "row");
    const track = element("span", "lane");
    track.append(...spans);
    for (const [ms, className, title] of [
      [turn.ended_ms, "end", `${turn.status} ${show(turn.ended_ms)}`],
      [turn.interrupt_ms, "stop", `interrupt ${show(turn.interrupt_ms)}`],
    ])
      if (ms !== null) track.append(span(className, ms, ms, total, title));
    const label = element("span", "lane-name", name, name);
    row.append(label, track);
    chart.append(row);
  };
  chart.append(axis(total));
  lane("Tokens", ...density(turn, total));
  for (const tool of turn.tools)
    lane(
      tool.name,
      span("tool-bar", tool.called_ms, tool.answered_ms ?? total, total, `${tool.name}: called ${show(tool.called_ms)}, answered ${show(tool.answered_ms)}`),
    );
  let voiceFree = 0;
  for (const chunk of turn.chunks) {
    const sent = chunk.sent_ms ?? chunk.ready_ms;
    const told = `written ${show(chunk.written_ms)}, ready ${show(chunk.ready_ms)}, sent ${show(chunk.sent_ms)}, spoken ${show(chunk.spoken_ms)}`;
    const begins = Math.max(sent, voiceFree);
    const ends = chunk.spoken_ms ?? turn.interrupt_ms ?? begins;
    const bars = [span("wait", chunk.written_ms, sent, total, told), span("queued", sent, Math.min(begins, ends), total, told)];
    if (chunk.spoken_ms !== null) bars.push(span("spoken", begins, chunk.spoken_ms, total, told));
    else if (ends > begins) bars.push(span("cut-off", begins, ends, total, told));
    voiceFree = Math.max(voiceFree, ends);
    lane(chunk.text, ...bars);
  }
  chart.append(legend());
  return chart;
}

function axis(total) {
  const row = element("div", "row axis");
  const track = element("span", "lane");
  const step = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000].find((step) => total / step <= 5) ?? total;
  for (let ms = 0; ms <= total; ms += step) {
    const tick = span("tick", ms, ms, total);
    tick.textContent = total < 2000 ? `${ms} ms` : `${ms / 1000} s`;
    if (ms > 0.9 * total) tick.classList.add("last");
    track.append(tick);
  }
  row.append(element("span", "lane-name", "Time"), track);
  return row;
}

function density({ density: { bin_ms: bin, counts }, first_token_ms: first }, total) {
  const most = Math.max(1, ...counts);
  const bins = counts.map((count, index) => {
    const made = span("bin", index * bin, Math.min(total, (index + 1) * bin), total, `${count} tokens in ${bin} ms`);
    made.style.opacity = count ? 0.25 + (0.75 * count) / most : 0;
    return made;
  });
  return first === null ? bins : [...bins, span("token", first, first, total, `first token ${show(first)}`)];
}

const LEGEND = [
  ["wait", "written, not sent"],
  ["queued", "sent, in line"],
  ["spoken", "spoken"],
  ["cut-off", "cut off"],
  ["stop", "interrupt"],
];

function legend() {
  const made = element("p", "legend");
  for (const [className, text] of LEGEND) {
    const entry = element("span", "", text);
    entry.prepend(element("i", className));
    made.append(entry);
  }
  return made;
}

/** The same as numbers. */
export function table(turn) {
  const rows = [
    ["User spoke", 0],
    ["First token", turn.first_token_ms],
    ["Last token", turn.last_token_ms],
    ...turn.tools.flatMap((tool) => [
      [`${tool.name} called`, tool.called_ms],
      [`${tool.name} answered (${tool.status ?? "not yet"})`, tool.answered_ms],
    ]),
    ["Interrupt asked for", turn.interrupt_ms],
    [`Ended: ${turn.status}${turn.reason ? `, ${turn.reason}` : ""}`, turn.ended_ms],
  ].filter(([, ms]) => ms !== null);
  const box = element("div", "tables");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Times of the turn");
  box.append(
    grid(["Event", "ms"], rows.sort((a, b) => a[1] - b[1])),
    grid(
      ["Chunk", "written", "ready", "sent", "spoken"],
      turn.chunks.map((chunk) => [chunk.text, chunk.written_ms, chunk.ready_ms, chunk.sent_ms, chunk.spoken_ms]),
    ),
  );
  return box;
}

function grid(head, rows) {
  const made = element("table", "");
  const line = (cells, name) => {
    const row = document.createElement("tr");
    cells.forEach((cell, index) => {
      const made = element(index ? name : "th", index ? "number" : "", cell === null ? "–" : String(cell));
      if (made.tagName === "TH") made.scope = name === "th" ? "col" : "row";
      row.append(made);
    });
    return row;
  };
  made.createTHead().append(line(head, "th"));
  made.createTBody().append(...rows.map((row) => line(row, "td")));
  return made;
}
