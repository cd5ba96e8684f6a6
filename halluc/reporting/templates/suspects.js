(() => {
  "use strict";
  const section = document.getElementById("suspects");
  const hasSpans = document.querySelector(".suspect .tokens") !== null;
  const articles = Array.from(document.querySelectorAll(".suspect"));
  const count = document.getElementById("f-count");
  const store = "halluc-audit-" + section.dataset.split + "-" + section.dataset.key;
  // By suspect: {decision, annotation}; of earlier audits of the same file too. Browsers may refuse storage to local files: then decisions last as long as the page.
  let decisions = {};
  let keeps = true;
  try { decisions = JSON.parse(localStorage.getItem(store) ?? "{}"); } catch { keeps = false; }
  let current = -1;

  const show = (article) => {
    const found = decisions[article.dataset.suspect];
    const chip = article.querySelector(".decided");
    chip.hidden = !found;
    chip.textContent = found ? found.decision : "";
    article.classList.toggle("supported", Boolean(found));
    if (found?.decision === "edit") article.querySelector("textarea").value = found.annotation.map(written).join("\n");
  };
  const written = ([start, end, label]) => (start === null ? label : start + " " + end + " " + label);
  const tell = () => {
    const visible = articles.filter((one) => !one.hidden);
    const decided = visible.filter((one) => decisions[one.dataset.suspect]).length;
    count.textContent = decided + " of " + visible.length + " decided";
  };
  const decide = (article, decision, annotation = null) => {
    if (decision) decisions[article.dataset.suspect] = { decision, annotation };
    else delete decisions[article.dataset.suspect];
    if (keeps) try { localStorage.setItem(store, JSON.stringify(decisions)); } catch { keeps = false; }
    show(article);
    tell();
  };
  const go = (place) => {
    const visible = articles.filter((one) => !one.hidden);
    if (!visible.length) return;
    const at = Math.min(Math.max(place, 0), visible.length - 1);
    current = at;
    visible[at].focus();
    visible[at].scrollIntoView({ block: "center" });
  };
  const edit = (article) => {
    article.querySelector(".edit").hidden = false;
    article.querySelector("textarea").focus();
  };
  // The annotation that a text area holds, or what is wrong with it.
  const read = (article) => {
    const lines = article.querySelector("textarea").value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!hasSpans) return lines.map((label) => [null, null, label]);
    const length = article.querySelectorAll(".tokens small").length;
    const found = [];
    for (const line of lines) {
      const parts = /^(\d+)\s+(\d+)\s+(.+)$/u.exec(line);
      if (!parts) return line + ": not two numbers and a label";
      const [start, end] = [Number(parts[1]), Number(parts[2])];
      if (!(start < end && end <= length)) return line + ": tokens are 0 to " + (length - 1);
      found.push([start, end, parts[3]]);
    }
    return found;
  };
  const save = (article) => {
    const found = read(article);
    const problem = article.querySelector(".problem");
    problem.textContent = typeof found === "string" ? found : "";
    if (typeof found === "string") return;
    article.querySelector(".edit").hidden = true;
    decide(article, "edit", found);
    article.focus();
  };
  const chosen = (article, decision) => (decision === "edit" ? edit(article) : decide(article, decision));

  for (const article of articles) {
    for (const button of article.querySelectorAll("[data-decision]")) button.addEventListener("click", () => chosen(article, button.dataset.decision));
    article.querySelector(".save").addEventListener("click", () => save(article));
    article.addEventListener("focusin", () => { current = articles.filter((one) => !one.hidden).indexOf(article); });
    show(article);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("textarea, select, input");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return;
    }
    if (event.key === "j" || event.key === "k") go(current + (event.key === "j" ? 1 : -1));
    const article = articles.filter((one) => !one.hidden)[current];
    const decision = { a: "accept", r: "reject", e: "edit", u: "" }[event.key];
    if (article && decision !== undefined) {
      event.preventDefault();
      chosen(article, decision);
      if (decision === "accept" || decision === "reject") go(current + 1);
    } else if (event.key === "j" || event.key === "k") event.preventDefault();
  });
  document.getElementById("s-kind").addEventListener("change", (event) => {
    for (const article of articles) article.hidden = event.target.value !== "" && article.dataset.kind !== event.target.value;
    current = -1;
    tell();
  });
  document.getElementById("s-clear").addEventListener("click", () => {
    if (!confirm("Clear all decisions on this page?")) return;
    for (const article of articles) delete decisions[article.dataset.suspect];
    if (keeps) localStorage.setItem(store, JSON.stringify(decisions));
    articles.forEach(show);
    tell();
  });
  document.getElementById("s-download").addEventListener("click", () => {
    const lines = articles.filter((one) => decisions[one.dataset.suspect]).map((one) => JSON.stringify({
      suspect: one.dataset.suspect, split: section.dataset.split, id: one.dataset.id, sha256: one.dataset.sha,
      ...decisions[one.dataset.suspect],
    }) + "\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    link.download = "decisions.jsonl";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  document.getElementById("filters").hidden = false;
  tell();
})();
