"use strict";
const printer = document.getElementById("print");
printer.hidden = false;
printer.addEventListener("click", () => window.print());

const value = (row, column) => row.cells[column].dataset.v;
const compare = (column, numeric, sign) => (a, b) => {
  const x = value(a, column), y = value(b, column);
  if (x === "" || y === "") return (x === "") - (y === "");
  return sign * (numeric ? Number(x) - Number(y) : x.localeCompare(y, document.documentElement.lang, { numeric: true }));
};

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      const body = table.tBodies[0];
      const sign = order === "ascending" ? 1 : -1;
      body.append(...[...body.rows].sort(compare(column, head.classList.contains("n"), sign)));
    });
  });
}

function filterable(holder, table) {
  const tools = document.createElement("div"), label = document.createElement("label");
  const input = document.createElement("input"), count = document.createElement("span");
  tools.className = "tools";
  input.type = "search";
  count.setAttribute("aria-live", "polite");
  label.append(holder.dataset.filter, input);
  tools.append(label, count);
  holder.prepend(tools);
  const rows = [...table.tBodies[0].rows];
  const apply = () => {
    const wanted = input.value.trim().toLowerCase();
    rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = holder.dataset.shown.replace("#", shown).replace("%", rows.length);
  };
  input.addEventListener("input", apply);
  apply();
}

document.querySelectorAll("[data-interactive]").forEach((holder) => {
  const table = holder.querySelector("table");
  sortable(table);
  if (table.tBodies[0].rows.length > 5) filterable(holder, table);
});

const figures = JSON.parse(document.getElementById("figures").textContent);
document.querySelectorAll(".try").forEach((holder) => {
  const inputs = ["silent", "churned"].map((name) => holder.querySelector(`[name=${name}]`));
  inputs.forEach((input, index) => {
    if (figures.slope[index] === null) { input.closest("label").hidden = true; }
    Object.assign(input, { min: -figures.reach, max: figures.reach, step: figures.reach / 40, value: 0 });
  });
  const number = (x, digits) => x.toFixed(digits).replace("-", "\u2212");
  const apply = () => {
    const score = inputs.reduce((sum, input, index) => sum + (figures.slope[index] || 0) * Number(input.value), figures.estimate);
    const kept = Math.min(Math.max(score, figures.low), figures.high);
    inputs.forEach((input) => { input.nextElementSibling.textContent = number(Number(input.value), 2); });
    const verdict = figures.kpi === null ? "" : ` ${kept >= figures.kpi ? "\u2265" : "<"} ${figures.target}`;
    holder.querySelector(".result").textContent = `${figures.population}: ${number(kept, 2)}${verdict}`;
  };
  inputs.forEach((input) => input.addEventListener("input", apply));
  if (figures.estimate !== null) { holder.hidden = false; apply(); }
});
