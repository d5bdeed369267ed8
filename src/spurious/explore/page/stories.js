// Stories, and the points that come with them or with a file.

import { $, data, state } from "./state.js";

// Shows a story's text and offers its point; its settings may have been changed since.
export function tell(name) {
  const story = state.start.stories.find((s) => s.name === name);
  $("story").value = story ? name : "";
  $("story-text").textContent = story?.text ?? "";
  $("story-text").hidden = !story;
  const fits = story?.point && data.name === story.dataset && $("units").value === story.hidden && $("activation").value === story.activation;
  offer(fits ? story.point : null, "The story’s point");
}

export function offer(point, name) {
  state.offered = point && { point, name };
  $("look").hidden = !point;
}
