"use strict";
const form = document.getElementById("t-form"), result = document.getElementById("t-result");
const status = document.getElementById("t-status"), token = document.getElementById("t-token");

function inputs() {
  const fields = [...form.querySelectorAll("textarea")].filter((one, place) => place === 0 || one.value.trim());
  if (fields.length === 1) return fields[0].value;
  return Object.fromEntries(fields.map((one) => [one.dataset.name, one.value]));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" }, given = token.querySelector("input").value;
  if (given) headers.Authorization = "Bearer " + given;
  status.textContent = "…";
  result.replaceChildren();
  try {
    const response = await fetch("/try", { method: "POST", headers, body: JSON.stringify({ inputs: inputs() }) });
    const answer = await response.json();
    if (response.status === 401) token.hidden = false;
    status.textContent = response.ok ? "" : answer.error.message;
    if (response.ok) result.innerHTML = answer.html; // escaped by the templates of the report
  } catch (error) {
    status.textContent = "the server does not respond";
  }
});
