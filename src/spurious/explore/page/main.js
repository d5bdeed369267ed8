// The page: state, and what each control does.

import { answer, download, stream } from "./ask.js";
import { showAtlas } from "./atlas.js";
import { Curves } from "./curves.js";
import { drawFunctions, drawSurface, fresh } from "./draw.js";
import { learn, pointData } from "./network.js";
import { Numbers } from "./numbers.js";
import { Outcomes, words } from "./outcomes.js";
import { Points } from "./points.js";
import { showVerdict } from "./verdict.js";
import { View, countText, numberText } from "./view.js";
import { witness } from "./witness.js";

const GHOSTS = 100; // most other runs drawn as curves
const PLAY = 3000; // milliseconds from the first frame to the last
const SETTLE = 300; // milliseconds after a change before training starts again
const FIELDS = ["units", "activation", "loss", "optimiser", "step_size", "updates", "initialisation", "runs", "seed"];

const $ = (id) => document.getElementById(id);
const data = { inputs: 1, points: [] };
const state = {
  start: null, view: null, frames: [], end: null, time: 0, playing: false, from: 0,
  chosen: null, network: null, problem: null, family: null, abort: null, timer: null,
  trained: null, // the problem of the runs
  atlas: null, // the last one: { asked, minima }
};
let points, numbers, curves, outcomes;

// --- what is asked for ---

function network() {
  const made = { widths: [data.inputs, Number($("units").value), 1], activation: $("activation").value };
  if (made.activation === "leaky_relu") made.slope = "1/100";
  return made;
}

function problem() {
  return {
    format: "spurious-problem/1",
    network: network(),
    loss: $("loss").value,
    data: { x: data.points.map((p) => p.x.map(String)), y: data.points.map((p) => [String(p.y)]) },
  };
}

async function train() {
  clearTimeout(state.timer);
  if (!$("form").reportValidity()) return;
  state.abort?.abort();
  const abort = (state.abort = new AbortController());
  Object.assign(state, { frames: [], end: null, time: 0, playing: true, family: null, problem: problem(), from: performance.now() });
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
  const value = (id) => $(id).value;
  const asked = {
    problem: state.problem, initialisation: value("initialisation"), optimiser: value("optimiser"),
    step_size: value("step_size"), updates: Number(value("updates")), runs: Number(value("runs")), seed: Number(value("seed")),
  };
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
    if (state.abort === abort) $("stop").disabled = true;
  }
}

function arrived(frame) {
  if (!state.frames.length) state.from = performance.now();
  state.frames.push(frame);
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
  if (state.chosen === null) {
    const trapped = outcomes.order.find((run) => end.outcome[run] === "finite_local_minimum");
    state.chosen = trapped ?? outcomes.order[0];
  }
  choose(state.chosen);
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

function showError(text) {
  $("error").textContent = text;
  $("error").hidden = !text;
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
    $("shown").textContent = data.inputs === 2 ? "Colours will show the function that a run computes; the black line is f = 0." : "";
    return;
  }
  const losses = frame.loss.filter((v) => v !== null);
  $("curves").ariaLabel = losses.length
    ? `Losses of ${frame.loss.length} runs after ${countText(frame.updates)} updates: from ${numberText(losses.reduce((a, b) => Math.min(a, b)))} to ${numberText(losses.reduce((a, b) => Math.max(a, b)))}`
    : "No run has a finite loss";
  const what = state.family ? "the chosen minimum of the atlas" : `run ${chosen} after ${countText(frame.updates)} updates`;
  $("shown").textContent = data.inputs === 2
    ? `Colours: the function of ${what}, from \u22122 (purple) to 2 (orange); black line: f = 0.`
    : `Black: the function of ${what}; in colour: other runs.`;
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
  data.inputs = found.x[0].length;
  data.points = found.x.map((x, k) => ({ x: [...x], y: found.y[k] }));
  points.selected = 0;
  points.svg.replaceChildren();
  $("classes").hidden = $("relabel").hidden = data.inputs === 1;
  $("loss").querySelector("[value=logistic]").disabled = data.inputs === 1;
  $("loss").value = found.loss;
  state.chosen = null;
  fitView();
  changed(true);
}

function fitView() {
  const { clientWidth: width, clientHeight: height } = $("plot");
  state.view = View.around(data.points, data.inputs, width / height);
}

function changed(settled) {
  numbers.draw();
  draw();
  clearTimeout(state.timer);
  if (!settled) return;
  if ($("again").checked) state.timer = setTimeout(train, SETTLE);
  else $("status").textContent = "Changed since the last training.";
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
  fill("activation", start.activations, "relu");
  fill("optimiser", start.optimisers, "adam");
  fill("initialisation", start.initialisations, "pytorch");
  $("units").value = 3;
  for (const [id, most] of [["units", start.limits.units], ["runs", start.limits.runs], ["updates", start.limits.updates]]) $(id).max = most;
  $("version").textContent = `Version ${start.version}.`;
  points = new Points($("points"), data, () => state.view, changed, (text) => { $("status").textContent = text; }, start.limits);
  numbers = new Numbers($("numbers"), data, start.limits.size, () => { fitView(); changed(true); });
  curves = new Curves($("curves"));
  outcomes = new Outcomes($("outcomes"), $("squares"), start.outcomes, choose);
  wire();
  load("d3");
}

function wire() {
  $("dataset").addEventListener("change", (event) => load(event.target.value));
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
