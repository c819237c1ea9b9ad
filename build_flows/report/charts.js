"use strict";

// Unpacks the plotly.js that the page carries, and draws every chart. Nothing is loaded from anywhere.
async function unpack() {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function draw() {
  await unpack();
  const plots = [...document.querySelectorAll(".plot")];
  for (const plot of plots) {
    const { data, layout } = JSON.parse(plot.nextElementSibling.textContent);
    plot.replaceChildren();
    Plotly.newPlot(plot, data, layout, { responsive: true, displayModeBar: false });
  }
  // Paper is narrower than most windows.
  addEventListener("beforeprint", () => plots.forEach((plot) => Plotly.relayout(plot, { width: 640 })));
  addEventListener("afterprint", () => plots.forEach((plot) => Plotly.relayout(plot, { width: null, autosize: true })));
}

const drawn = draw();     // what comes after it in the page may wait for it
