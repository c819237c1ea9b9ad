"use strict";

// Filters of the study's page, and what a click on a mark does. Traces and rows say at which values they show.
const selects = [...document.querySelectorAll("select[data-filter]")];
const rows = [...document.querySelectorAll("tr[data-where]")];
const said = document.getElementById("said");

function shows(where) {
  return selects.every((select) => !(select.dataset.filter in where) || where[select.dataset.filter].includes(select.value));
}

function filter() {
  for (const row of rows) row.hidden = !shows(JSON.parse(row.dataset.where));
  for (const plot of document.querySelectorAll(".plot")) {
    const visible = plot.data.map((trace) => shows(trace.meta));
    const hidden = !visible.includes(true);
    plot.closest("figure").parentElement.hidden = hidden;
    if (hidden) continue;
    Plotly.restyle(plot, { visible });
    Plotly.Plots.resize(plot);     // it may have been drawn, or the window resized, while it was hidden
  }
}

async function copy(name) {
  try {
    await navigator.clipboard.writeText(name);
    said.textContent = `Copied: ${name}`;
  } catch {
    said.textContent = name;       // the browser does not let pages copy
  }
}

function pick(names) {
  rows.forEach((row) => row.classList.toggle("picked", names.includes(row.id)));
  const links = names.map((name) => document.getElementById(name).querySelector("a")).filter(Boolean);
  if (links.length) links[0].click();
  else copy(names[0]);
}

document.querySelector("form.filters").addEventListener("change", filter);
document.getElementById("points-table").addEventListener("click", ({ target }) => {
  if (target.matches("button")) copy(target.textContent);
});

const ready = drawn.then(() => {
  for (const plot of document.querySelectorAll(".plot")) {
    plot.on("plotly_click", ({ points }) => points[0].customdata && pick(points[0].customdata));
  }
  filter();
});
