"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const specs = read("specs");
  const { sites: series, hours = [] } = read("series");
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

  // Text whose Chinese parts are marked as Chinese.
  const say = (node, text) => {
    const parts = text.split(/([\u3400-\u9fff][\u3000-\u303f\u3400-\u9fff\uff00-\uffef]*)/);
    const nodes = parts.map((part, i) => {
      if (i % 2 === 0) return part;
      const span = document.createElement("span");
      span.lang = "zh-Hans";
      span.textContent = part;
      return span;
    });
    node.replaceChildren(...nodes);
  };

  // What a click on the legend does, for those who use no mouse: a checkbox for every entry of it.
  const entry = (trace) => trace.legendgroup || trace.name;
  const choose = (plot) => {
    const names = [...new Set(plot.data.filter((trace) => trace.showlegend !== false).map(entry))];
    if (names.length < 2) return;
    const box = document.createElement("details");
    box.className = "choose";
    box.innerHTML = '<summary><span lang="zh-Hans">图例筛选</span> Choose what is shown</summary><div role="group"></div>';
    const group = box.querySelector("div");
    group.setAttribute("aria-label", `Shown in: ${plot.getAttribute("aria-label")}`);
    const boxes = names.map((name) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "checkbox";
      const words = document.createElement("span");
      say(words, new DOMParser().parseFromString(name, "text/html").documentElement.textContent);
      label.append(input, words);
      group.append(label);
      input.addEventListener("change", () => {
        const mine = plot.data.flatMap((trace, index) => (entry(trace) === name ? [index] : []));
        Plotly.restyle(plot, { visible: input.checked || "legendonly" }, mine);
      });
      return [name, input];
    });
    const tick = () => {
      for (const [name, input] of boxes)
        input.checked = plot.data.some((trace) => entry(trace) === name && (trace.visible ?? true) === true);
    };
    plot.on("plotly_restyle", tick);
    tick();
    plot.after(box);
  };
  plots.forEach(choose);

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
    const total = (row) => hours.reduce((sum, length, step) => sum + length * row[step], 0);
    const load = rows.slice(0, -1).reduce((sum, row) => sum + total(row), 0);
    const room = total(rows[rows.length - 1]);
    const used = room > 0 ? `, ${((100 * load) / room).toFixed(1)} % of its usable capacity` : "";
    say(shown, `${words}: ${load.toLocaleString("en", { maximumFractionDigits: 1 })} EFLOPS·h${used}`);
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
