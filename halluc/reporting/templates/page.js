"use strict";
(() => {
  const filters = document.getElementById("filters");
  if (!filters) return;
  const field = (name) => document.getElementById("f-" + name);
  const fields = { verdict: field("verdict"), label: field("label"), novelty: field("novelty"), low: field("low"), high: field("high"), text: field("text") };
  const count = field("count");
  const claims = Array.from(document.querySelectorAll("article.claim"), (node) => ({
    node,
    verdict: node.dataset.verdict,
    label: node.dataset.label,
    novelty: node.dataset.novelty,
    confidence: node.dataset.confidence === "" ? null : Number(node.dataset.confidence),
    text: null,
  }));
  const sections = Array.from(document.querySelectorAll("section.claims"));

  // Spaces in a corpus are of many kinds; a search should not need to know them.
  const plain = (text) => text.toLowerCase().replace(/\s+/gu, " ").trim();
  const textOf = (claim) => (claim.text ??= plain(claim.node.querySelector(".sentence").dataset.text + " " + claim.node.querySelector(".about").textContent));
  const bound = (input, otherwise) => (input.value === "" || Number.isNaN(Number(input.value)) ? otherwise : Number(input.value));

  // What is folded is unfolded while anything is asked for, so that what fits can be seen.
  const folded = Array.from(document.querySelectorAll("#claims details.more"));
  const apply = () => {
    const isNarrowed = Object.values(fields).some((input) => input.value !== "");
    if (isNarrowed) for (const one of folded) one.open = true;
    const low = bound(fields.low, 0), high = bound(fields.high, 1), text = plain(fields.text.value);
    const anySureness = low <= 0 && high >= 1;
    let shown = 0;
    for (const claim of claims) {
      const fits = ["verdict", "label", "novelty"].every((name) => fields[name].value === "" || fields[name].value === claim[name]);
      // What has no confidence is neither sure nor unsure: it shows only where no confidence is asked for.
      const sure = anySureness || (claim.confidence !== null && claim.confidence >= low && claim.confidence <= high);
      const visible = fits && sure && (text === "" || textOf(claim).includes(text));
      claim.node.hidden = !visible;
      shown += visible;
    }
    for (const one of folded) one.hidden = !one.querySelector("article.claim:not([hidden])");
    for (const section of sections) section.hidden = !section.querySelector("article.claim:not([hidden])");
    count.dataset.shown = shown;
    count.textContent = shown === claims.length ? `all ${claims.length} on this page` : `${shown} of the ${claims.length} on this page`;
  };

  for (const input of Object.values(fields)) for (const event of ["input", "change"]) input.addEventListener(event, apply);
  field("reset").addEventListener("click", () => {
    for (const input of Object.values(fields)) input.value = input.defaultValue ?? "";
    apply();
  });
  filters.hidden = false;
  apply();
})();
