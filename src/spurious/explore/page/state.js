// What the parts of the page share.

export const $ = (id) => document.getElementById(id);
export const data = { inputs: 1, points: [], name: null }; // the name of a dataset that is as it was built in
export const state = {
  start: null, view: null, frames: [], end: null, time: 0, playing: false, from: 0,
  chosen: null, network: null, problem: null, family: null, abort: null, timer: null,
  trained: null, // the problem of the runs
  atlas: null, // the last one: { asked, minima }
  offered: null, // a point that came with a story or a file: { point, name }
};

export function showError(text) {
  $("error").textContent = text;
  $("error").hidden = !text;
}
