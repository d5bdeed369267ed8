// The page: state, and what each control does.

import { FIELDS, Trail, decode, encode } from "./address.js";
import { answer, download, stream } from "./ask.js";
import { showAtlas } from "./atlas.js";
import { Curves } from "./curves.js";
import { drawFunctions, drawSurface, fresh } from "./draw.js";
import { blobOf, csv, picture, save } from "./files.js";
import { keep } from "./kept.js";
import { learn, lossOf, parametersOf, pointData } from "./network.js";
import { Numbers } from "./numbers.js";
import { Outcomes, words } from "./outcomes.js";
import { Points } from "./points.js";
import { ensemble, problem, sentence, set, settings } from "./settings.js";
import { $, data, showError, state } from "./state.js";
import { offer, tell } from "./stories.js";
import { showVerdict } from "./verdict.js";
import { View, countText, numberText } from "./view.js";
import { witness } from "./witness.js";

const GHOSTS = 100; // most other runs drawn as curves
const PLAY = 3000; // milliseconds from the first frame to the last
const SETTLE = 300; // milliseconds after a change before training starts again

let points, numbers, curves, outcomes, trail;

async function train() {
  clearTimeout(state.timer);
  if (!$("form").reportValidity()) return;
  const asked = ensemble();
  state.abort?.abort();
  const abort = (state.abort = new AbortController());
  Object.assign(state, { frames: [], end: null, time: 0, playing: true, family: null, problem: asked.problem, from: performance.now() });
  state.network = state.problem.network;
  state.trained = state.problem;
  showError("");
  forget();
  outcomes.show(null);
  $("ends-empty").hidden = false;
  $("families").replaceChildren();
  $("atlas-text").textContent = state.atlasText;
  $("stop").disabled = false;
  $("status").textContent = "Training …";
  $("keep").disabled = true;
  $("bar").hidden = false;
  $("bar").removeAttribute("value"); // nobody knows how long compiling takes
  state.last = asked.updates;
  if (state.chosen !== null && state.chosen >= asked.runs) state.chosen = 0;
  const begun = performance.now();
  try {
    await stream("api/train", asked, abort.signal, (line) => {
      if (abort.signal.aborted) return;
      if (line.waiting) $("status").textContent = `Waiting: ${line.waiting}.`;
      else if (line.outcome) finished(line, begun);
      else arrived(line);
    });
  } catch (error) {
    if (abort.signal.aborted) return;
    showError(error.message);
    $("status").textContent = "";
  } finally {
    if (state.abort === abort) $("stop").disabled = $("bar").hidden = true;
  }
}

function arrived(frame) {
  if (!state.frames.length) state.from = performance.now();
  state.frames.push(frame);
  $("bar").value = Math.log(1 + frame.updates) / Math.log(1 + state.last);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) state.time = state.frames.length - 1;
  $("time").max = state.frames.length - 1;
  for (const id of ["time", "play"]) $(id).disabled = false;
}

function finished(end, begun) {
  state.end = end;
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  $("status").textContent = `${countText(end.outcome.length)} runs of ${countText(state.last)} updates in ${seconds} s.`;
  outcomes.show(end);
  $("ends-empty").hidden = true;
  $("keep").disabled = false;
  if (state.chosen === null) {
    const trapped = outcomes.order.find((run) => end.outcome[run] === "finite_local_minimum");
    state.chosen = trapped ?? outcomes.order[0];
  }
  if (state.family) { // somebody looks at another point meanwhile
    outcomes.select(state.chosen, false);
    draw();
  } else choose(state.chosen);
}

// --- a run, a verdict ---

function forget() {
  $("verdict").replaceChildren();
  $("run-text").textContent = "Choose a run.";
  for (const id of ["certify", "problem"]) $(id).disabled = true;
}

function choose(run, focus = false) {
  Object.assign(state, { chosen: run, family: null });
  for (const other of $("families").children) other.ariaPressed = "false";
  if (state.end) {
    outcomes.select(run, focus);
    const { end } = state, name = words(end.outcome[run]);
    let text = `Run ${run}: ${name}, with loss ${numberText(end.loss[run])} after ${countText(state.last)} updates.`;
    if (end.outcome[run] === "solved") text = `Run ${run}: solved after ${countText(end.solved_at[run])} updates, with loss ${numberText(end.loss[run])}.`;
    else if (end.heading[run]) {
      text += ` Followed downhill, it comes to loss ${numberText(end.limit[run])}`;
      text += end.heading[run] === end.outcome[run] ? ". Certify asks about that point." : ` (${words(end.heading[run])}). Certify asks about that point.`;
    }
    ready(text, end.end[run]);
  }
  draw();
}

function ready(text, parameters) {
  $("run-text").textContent = text;
  $("verdict").replaceChildren();
  state.point = parameters;
  for (const id of ["certify", "problem"]) $(id).disabled = !parameters;
}

function pointed() {
  const { family, end, chosen, network: own } = state;
  const made = { ...state.problem, point: family ? family.point : pointData(own, state.point) };
  const same = state.atlas && JSON.stringify(state.atlas.asked) === JSON.stringify(state.problem);
  const runs = JSON.stringify(state.trained) === JSON.stringify(state.problem) ? end : null;
  const loss = family ? family.loss_float : end.limit[chosen] ?? end.loss[chosen];
  const better = witness(loss, same ? state.atlas.minima : [], runs, own);
  return better ? { ...made, witness: better } : made;
}

async function certify() {
  const asked = pointed(), { family, chosen, problem: own } = state;
  const trapped = family !== null || ["finite_local_minimum", "dead"].includes(state.end.heading[chosen]);
  $("certify").disabled = true;
  $("verdict").textContent = "Certifying …";
  showError("");
  try {
    const found = await answer("api/certify", { problem: asked });
    if (family === state.family && chosen === state.chosen && own === state.problem) showVerdict($("verdict"), found, trapped);
  } catch (error) {
    $("verdict").replaceChildren();
    showError(error.message);
  } finally {
    $("certify").disabled = !state.point;
  }
}

async function enumerate() {
  const asked = problem(), begun = performance.now();
  $("enumerate").disabled = true;
  showError("");
  const tick = setInterval(() => {
    $("atlas-text").textContent = `Enumerating … ${Math.round((performance.now() - begun) / 1000)} s`;
  }, 500);
  try {
    const found = await answer("api/atlas", { problem: asked });
    clearInterval(tick);
    state.atlas = { asked, minima: found.minima };
    const same = state.problem && JSON.stringify(state.problem) === JSON.stringify(asked);
    showAtlas($("families"), $("atlas-text"), found, asked.network, state.view, same ? state.end : null, (family, parameters) => {
      Object.assign(state, { family, problem: asked, network: asked.network });
      ready(`A local minimum of the atlas, with loss ${family.loss.length <= 40 ? family.loss : numberText(family.loss_float)}.`, parameters);
      draw();
    });
  } catch (error) {
    $("atlas-text").textContent = state.atlasText;
    showError(error.message);
  } finally {
    clearInterval(tick);
    $("enumerate").disabled = false;
  }
}

// A point that came with a story or a file, as if it were one of the atlas.
function look() {
  const { point, name } = state.offered, own = problem(), parameters = parametersOf(point);
  const loss = lossOf(own.network, parameters, own.loss, data.points);
  Object.assign(state, { family: { point, loss_float: loss }, problem: own, network: own.network });
  ready(`${name}, with loss ${numberText(loss)}. Certify asks about it.`, parameters);
  draw();
}

// --- drawing ---

function colourOf(run) {
  return state.end && state.time === state.frames.length - 1 ? outcomes.colour(state.end.outcome[run]) : "#8d8d8d";
}

function draw() {
  const frame = state.frames[state.time];
  const view = state.view;
  view.resize($("plot").clientWidth, $("plot").clientHeight);
  const usable = state.network && state.network.widths[0] === data.inputs;
  const chosen = state.chosen ?? 0;
  const parameters = !usable ? null : state.family ? state.point : frame?.parameters[chosen];
  if (!parameters || parameters.includes(null)) fresh($("surface"));
  else if (data.inputs === 2) drawSurface($("surface"), view, state.network, parameters, state.playing ? 120 : 280);
  else {
    const others = state.family || !frame ? [] : frame.parameters.slice(0, GHOSTS)
      .map((p, run) => ({ parameters: p, colour: `${colourOf(run)}66`, thickness: 1 })).filter((c) => !c.parameters.includes(null));
    drawFunctions($("surface"), view, state.network, [...others, { parameters, colour: "#fff", thickness: 5 }, { parameters, colour: "#000", thickness: 2.5 }]);
  }
  points.draw();
  curves.draw(state.frames, state.time, state.last, colourOf, state.end || state.chosen !== null ? chosen : null);
  describe(frame, parameters && chosen);
}

function describe(frame, chosen) {
  $("clock").textContent = `${countText(frame?.updates ?? 0)} updates`;
  $("time").value = state.time;
  $("time").setAttribute("aria-valuetext", $("clock").textContent);
  $("play").textContent = state.playing ? "Pause" : "Play";
  if (!frame) {
    $("shown").textContent = data.inputs === 2 ? "Colours will show the function that a run computes; the line is f = 0." : "";
    return;
  }
  const losses = frame.loss.filter((v) => v !== null);
  $("curves").ariaLabel = losses.length
    ? `Losses of ${frame.loss.length} runs after ${countText(frame.updates)} updates: from ${numberText(losses.reduce((a, b) => Math.min(a, b)))} to ${numberText(losses.reduce((a, b) => Math.max(a, b)))}`
    : "No run has a finite loss";
  const what = state.family ? "the chosen minimum of the atlas" : `run ${chosen} after ${countText(frame.updates)} updates`;
  $("shown").textContent = data.inputs === 2
    ? `Colours: the function of ${what}, from \u22122 (purple) to 2 (orange); line: f = 0.`
    : `Thick line: the function of ${what}; in colour: other runs.`;
}

function animate(now) {
  if (state.playing && state.frames.length) {
    const goal = Math.floor(((now - state.from) / PLAY) * (state.frames.length - 1));
    const time = Math.max(state.time, Math.min(state.frames.length - 1, goal));
    if (state.end && time === state.frames.length - 1) state.playing = false;
    if (time !== state.time || !state.playing) {
      state.time = time;
      draw();
    }
  }
  requestAnimationFrame(animate);
}

function play() {
  if (!state.frames.length) return;
  state.playing = !state.playing;
  if (state.playing) {
    if (state.time === state.frames.length - 1) state.time = 0;
    state.from = performance.now() - (PLAY * state.time) / Math.max(1, state.frames.length - 1);
  }
  draw();
}

// --- data ---

function load(name) {
  const found = state.start.datasets.find((d) => d.name === name);
  place(found.x.map((x, k) => ({ x: [...x], y: found.y[k] })), name);
  $("loss").value = found.loss;
}

// Takes over points; `name` is that of their dataset, or null.
function place(taken, name) {
  Object.assign(data, { inputs: taken[0].x.length, points: taken, name });
  points.selected = 0;
  points.svg.replaceChildren();
  $("classes").hidden = $("relabel").hidden = data.inputs === 1;
  const classes = taken.every((p) => Math.abs(p.y) === 1);
  $("loss").querySelector("[value=logistic]").disabled = data.inputs === 1 || !classes;
  state.chosen = null;
  fitView();
  named();
}

// Says whose the data are.
function named() {
  $("dataset").value = data.name ?? "";
  $("about-data").textContent = state.start.datasets.find((d) => d.name === data.name)?.description ?? "Your own points.";
}

function fitView() {
  const { clientWidth: width, clientHeight: height } = $("plot");
  state.view = View.around(data.points, data.inputs, width / height);
}

// After the points were moved, added, removed or relabelled.
function edited(settled) {
  data.name = null;
  named();
  offer(null);
  changed(settled);
}

function changed(settled) {
  numbers.draw();
  draw();
  clearTimeout(state.timer);
  if (!settled) return;
  trail?.step();
  if ($("again").checked) state.timer = setTimeout(train, SETTLE);
  else $("status").textContent = "Changed since the last training.";
}

// --- settings: the address, stories, files ---

function take(text) {
  let found;
  try {
    found = decode(text, state.start);
  } catch (error) {
    showError(error.message);
    return;
  }
  if (found.data) load(found.data);
  else if (found.points) place(found.points, null);
  set(found);
  tell(found.story ?? "");
  changed(true);
}

function begun(name) {
  const story = state.start.stories.find((s) => s.name === name);
  if (story) {
    load(story.dataset);
    set({ ...story, units: story.hidden });
  }
  tell(name);
  changed(true);
}

async function opened(file) {
  showError("");
  try {
    const text = await file.text();
    const found = await answer("api/import", `{"problem": ${text.trim() || "null"}}`);
    place(found.points.map(([x, y]) => ({ x: x.map(Number), y: Number(y) })), null);
    set({ units: found.hidden, activation: found.activation, loss: found.loss });
    tell("");
    offer(found.point, `The point of ${file.name}`);
    $("about-data").textContent = found.rounded
      ? `The points of ${file.name}, rounded to six decimals: no longer exactly the file’s problem.`
      : `The points of ${file.name}.`;
    changed(true);
  } catch (error) {
    showError(`${file.name}: ${error.message}`);
  }
}

async function share() {
  try {
    await navigator.clipboard.writeText(location.href);
    $("status").textContent = "The link is copied; it opens these settings in any Explorer at this address.";
  } catch {
    $("status").textContent = "The link is the address of this page, in the browser’s address bar.";
  }
}

// --- the beginning ---

function fill(id, names, chosen) {
  $(id).replaceChildren(...names.map((name) => new Option(name, name, name === chosen, name === chosen)));
}

async function begin() {
  state.start = await (await fetch("api/start")).json();
  state.atlasText = $("atlas-text").textContent;
  const { start } = state;
  learn(start.curves);
  fill("dataset", start.datasets.map((d) => d.name), "d3");
  $("dataset").prepend(Object.assign(new Option("own points", ""), { hidden: true }));
  $("story").replaceChildren(new Option("none", ""), ...start.stories.map((s) => new Option(s.title, s.name)));
  fill("activation", start.activations, "relu");
  fill("optimiser", start.optimisers, "adam");
  fill("initialisation", start.initialisations, "pytorch");
  $("units").pattern = `[1-${start.limits.units}](,[1-${start.limits.units}]){0,${start.limits.layers - 1}}`;
  for (const [id, most] of [["runs", start.limits.runs], ["updates", start.limits.updates]]) $(id).max = most;
  $("version").textContent = `Version ${start.version}.`;
  points = new Points($("points"), data, () => state.view, edited, (text) => { $("status").textContent = text; }, start.limits);
  numbers = new Numbers($("numbers"), data, start.limits.size, () => { fitView(); edited(true); });
  curves = new Curves($("curves"));
  outcomes = new Outcomes($("outcomes"), $("squares"), start.outcomes, choose);
  wire();
  load("d3");
  if (location.hash.length > 1) take(location.hash.slice(1));
  else changed(true);
  trail = new Trail(() => encode(settings()), take, (back, forward) => {
    $("undo").disabled = !back;
    $("redo").disabled = !forward;
  });
  trail.begin();
}

function wireFiles() {
  $("story").addEventListener("change", (event) => begun(event.target.value));
  $("look").addEventListener("click", look);
  $("undo").addEventListener("click", () => history.back());
  $("redo").addEventListener("click", () => history.forward());
  $("share").addEventListener("click", share);
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) await opened(file);
    event.target.value = ""; // so that the same file can be opened again
  });
  const saving = (id, name, blob) => $(id).addEventListener("click", () => blob().then((made) => save(name, made)).catch((error) => showError(error.message)));
  const text = (content) => new Blob([content], { type: "text/plain" });
  saving("save-picture", "explorer.png", async () => blobOf(await picture($("surface"), $("points"))));
  saving("save-data", "data.csv", async () => text(csv(data)));
  saving("save-plan", "explorer.toml", async () => text((await answer("api/plan", ensemble())).plan));
  $("save-problem").addEventListener("click", () => download("problem.json", problem()));
  $("keep").addEventListener("click", () => keep($("cards"), $("surface"), $("points"), $("outcomes"), sentence(), encode(settings()), () => {
    $("kept").hidden = !$("cards").children.length;
  }));
}

function wire() {
  $("dataset").addEventListener("change", (event) => { load(event.target.value); tell(""); changed(true); });
  wireFiles();
  $("form").addEventListener("submit", (event) => { event.preventDefault(); train(); });
  for (const id of FIELDS) $(id).addEventListener("change", () => { if ($("form").checkValidity()) changed(true); });
  $("stop").addEventListener("click", () => {
    state.abort?.abort();
    state.playing = false;
    $("stop").disabled = true;
    $("status").textContent = "Stopped.";
    draw();
  });
  $("add").addEventListener("click", () => {
    const view = state.view;
    points.add(view.at(view.width / 2, view.height / 2), points.newClass());
    points.focus();
  });
  $("relabel").addEventListener("click", () => points.relabel(points.selected));
  $("delete").addEventListener("click", () => points.remove(points.selected));
  $("fit").addEventListener("click", () => { fitView(); draw(); });
  $("play").addEventListener("click", play);
  $("time").addEventListener("input", (event) => {
    Object.assign(state, { time: Number(event.target.value), playing: false });
    draw();
  });
  $("curves").addEventListener("click", (event) => {
    const run = curves.nearest(event.offsetX, event.offsetY);
    if (run !== null) choose(run);
  });
  $("certify").addEventListener("click", certify);
  $("problem").addEventListener("click", () => download("problem.json", pointed()));
  $("enumerate").addEventListener("click", enumerate);
  new ResizeObserver(() => { if (state.view) draw(); }).observe($("plot"));
  requestAnimationFrame(animate);
}

begin().catch((error) => showError(error.message));
