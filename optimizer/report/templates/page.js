"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specs = read("specs");
  const series = read("series").sites;
  const config = {
    responsive: true,
    displayModeBar: false,
  };
  const plots = [...document.querySelectorAll(".plot")];
  // The map keeps its shape, so it is lower where it is narrower; the other figures keep their height.
  const height = (plot, widthPx) => {
    const full = specs[plot.id].layout.height;
    return plot.id === "flows" ? Math.min(full, 0.83 * widthPx + 130) : full;
  };
  for (const plot of plots) {
    const { data, layout } = specs[plot.id];
    Plotly.newPlot(plot, data, { ...layout, height: height(plot, plot.clientWidth) }, config);
  }

  const fit = (plot) =>
    Plotly.relayout(plot, { width: null, height: height(plot, plot.parentElement.clientWidth), autosize: true });
  const map = document.getElementById("flows");
  if (map) window.addEventListener("resize", () => fit(map));

  const site = document.getElementById("site");
  const dispatch = document.getElementById("dispatch");
  const shown = document.getElementById("site-shown");
  const whole = dispatch ? dispatch.getAttribute("aria-label") : "";
  const show = () => {
    const rows = series[site.value];
    const words = site.options[site.selectedIndex].text;
    Plotly.restyle(dispatch, { y: rows });
    dispatch.setAttribute("aria-label", `${words}: ${whole}`);
    const load = rows.slice(0, -1).flat().reduce((sum, value) => sum + value, 0);
    const room = rows[rows.length - 1].slice(0, -1).reduce((sum, value) => sum + value, 0);
    const used = room > 0 ? `, ${((100 * load) / room).toFixed(1)} % of its usable capacity` : "";
    shown.textContent = `${words}: ${load.toLocaleString("en", { maximumFractionDigits: 1 })} EFLOPS·h${used}`;
  };
  if (dispatch) {
    site.addEventListener("change", show);
    show();
  }

  // Paper is narrower than most screens: figures are drawn anew to its width, and back afterwards.
  const paperPx = 690;
  window.addEventListener("beforeprint", () => {
    for (const plot of plots) Plotly.relayout(plot, { width: paperPx, height: height(plot, paperPx) });
  });
  window.addEventListener("afterprint", () => {
    for (const plot of plots) fit(plot);
  });
})();
