// What the certifier answered, as a page.

import { download } from "./ask.js";

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  Object.assign(made, attributes);
  return made;
}

const GLOBAL = {
  yes: "yes, proved",
  no: (found) => (found.witness_loss ? `no, proved: a better point has loss ${found.witness_loss}` : "no, proved"),
  unknown: "unknown",
};

// `trapped`: whether measurements say that a minimum is there. The point is then the rounding of one
// at best, and a proof that the rounded point is none decides nothing about the minimum.
export function showVerdict(place, found, trapped) {
  const rounded = trapped && found.decision === "not_local_minimum" && !found.valley_limit;
  const words = rounded ? "no minimum was proved near this point" : found.verdict;
  const head = element("p", words[0].toUpperCase() + words.slice(1) + ".", { className: "answer" });
  const facts = document.createElement("dl");
  const fact = (name, text) => facts.append(element("dt", name), element("dd", text));
  if (found.loss) fact("Loss", found.loss);
  if (found.valley_limit) fact("Limit of the loss", found.valley_limit);
  const global = GLOBAL[found.global];
  fact("Global minimum", typeof global === "function" ? global(found) : global);
  fact(rounded ? "Of the rounded point" : "Reason", rounded ? `not a local minimum itself: ${found.reason}` : found.reason);
  fact("Rule", found.method.replaceAll("_", " "));
  if (!found.certificate) {
    place.replaceChildren(head, facts);
    return;
  }
  fact("Independent check", "valid");
  const button = element("button", "Download certificate", { type: "button", id: "download" });
  button.addEventListener("click", () => download("point.certificate.json", found.certificate));
  const hint = element("p", "Check it with: ", { className: "note" });
  hint.append(element("code", "spurious check point.certificate.json"));
  const details = document.createElement("details");
  details.append(element("summary", "The certificate"), element("pre", JSON.stringify(found.certificate, null, 1), { tabIndex: 0 }));
  details.lastChild.ariaLabel = "The certificate as JSON";
  details.lastChild.role = "region";
  place.replaceChildren(head, facts, button, hint, details);
}
