// The page of a solve: what the process says, twice a second, and its best plan and bound as they close.
import { ask, faultItem, tell } from "./desk.js";

const EVERY_MS = 500;
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 300, LEFT = 86, RIGHT = 96, TOP = 16, BOTTOM = 34;
const WORDS = {
  working: ["求解中 · working", "fair"],
  solved: ["已完成 · solved", "good"],
  "no plan": ["无可行方案 · no plan", "bad"],
  faulty: ["输入有误 · faulty input", "bad"],
  cancelled: ["已取消 · cancelled", "idle"],
  failed: ["失败 · failed", "bad"],
};
const by = (id) => document.getElementById(id);
const kcny = (value) => {
  if (value === null) return "–";
  const digits = Math.abs(value) < 100 ? 4 : 1;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
const percent = (frac) => {
  if (frac === null || frac === 0) return frac === 0 ? "0 %" : "–";
  return frac < 5e-8 ? "< 0.00001 %" : `${(100 * frac).toFixed(frac < 1e-5 ? 5 : 3)} %`;
};

const part = (tag, given, text = "") => {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
};

const ticks = (low, high, count) => {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
};

// A value holds until the next one is known: steps, not slopes.
const steps = (points, column, end, x, y) => {
  const known = points.filter((point) => point[column] !== null);
  if (known.length === 0) return [];
  const corners = known.flatMap((point, i) => (i === 0 ? [[point[0], point[column]]] : [[point[0], known[i - 1][column]], [point[0], point[column]]]));
  return [...corners, [Math.max(end, known.at(-1)[0]), known.at(-1)[column]]].map(([t, v]) => [x(t), y(v)]);
};
const line = (corners) => corners.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");

const draw = (state) => {
  const chart = by("chart");
  const WIDTH = Math.max(chart.clientWidth, 320);
  chart.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  const values = state.points.flatMap((point) => point.slice(1)).filter((value) => value !== null);
  if (values.length === 0) {
    chart.replaceChildren(part("text", { x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" }, state.state === "working" ? "尚无方案和下界 · no plan and no bound yet" : "没有方案和下界 · no plan and no bound"));
    return;
  }
  const goal = state.best_kcny === null || state.gap_asked_frac === null ? null : state.best_kcny - state.gap_asked_frac * Math.abs(state.best_kcny);
  const all = goal === null ? values : [...values, goal];
  const least = Math.min(...all), most = Math.max(...all);
  const room = Math.max((most - least) * 0.08, Math.abs(most) * 1e-6, 1e-9);
  const [low, high, end] = [least - room, most + room, Math.max(state.elapsed_s, 1)];
  const x = (t) => LEFT + ((WIDTH - LEFT - RIGHT) * t) / end;
  const y = (v) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - v)) / (high - low);
  const made = [];
  const marks = ticks(low, high, 5);
  const digits = Math.max(0, -Math.floor(Math.log10(marks.length > 1 ? marks[1] - marks[0] : 1)));
  for (const value of marks) {
    made.push(part("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }));
    made.push(part("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })));
  }
  for (const value of ticks(0, end, Math.round(WIDTH / 120))) {
    made.push(part("text", { x: x(value), y: HEIGHT - 12, "text-anchor": "middle" }, `${+value.toPrecision(6)} s`));
  }
  made.push(part("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
  const best = steps(state.points, 1, state.elapsed_s, x, y);
  const bound = steps(state.points, 2, state.elapsed_s, x, y);
  if (best.length && bound.length) {
    const under = bound.filter(([px]) => px >= best[0][0]);
    const first = [best[0][0], (bound.findLast(([px]) => px <= best[0][0]) || bound[0])[1]];
    made.push(part("polygon", { class: "between", points: line([...best, ...under.reverse(), first]) }));
  }
  if (goal !== null) made.push(part("line", { class: "goal", x1: best[0][0], x2: WIDTH - RIGHT, y1: y(goal), y2: y(goal) }));
  made.push(part("polyline", { class: "bound", points: line(bound) }), part("polyline", { class: "best", points: line(best) }));
  const labels = [["best", "方案 best", best.at(-1)], ["bound", "下界 bound", bound.at(-1)], ["goal", "目标 goal", goal === null ? null : [0, y(goal)]]];
  const placed = [];
  for (const [kind, words, at] of labels) {
    if (!at) continue;
    let height = at[1] + 4;
    while (placed.some((other) => Math.abs(other - height) < 15)) height += height > HEIGHT / 2 ? -1 : 1;
    placed.push(height);
    made.push(part("text", { class: kind, x: WIDTH - RIGHT + 8, y: height }, words));
  }
  chart.replaceChildren(...made);
  chart.setAttribute("aria-label", `After ${state.elapsed_s.toFixed(0)} seconds the best plan costs ${kcny(state.best_kcny)} kCNY, the bound is ${kcny(state.bound_kcny)} kCNY, the gap ${percent(state.gap_frac)}`);
};

const at = (points, second) => points.findLast((point) => point[0] <= second + 1e-9) || [0, null, null];

const stageRow = ([second, words], points) => {
  const row = document.createElement("tr");
  const [, best, bound] = at(points, second);
  for (const [cell, kind] of [[second.toFixed(1), "num"], [words, ""], [kcny(best), "num"], [kcny(bound), "num"]]) {
    const made = document.createElement("td");
    made.className = kind;
    made.textContent = cell;
    row.append(made);
  }
  return row;
};

const link = (id, shown, href) => {
  by(id).hidden = !shown;
  by(id).href = href;
};

const show = (state) => {
  by("watch").hidden = false;
  const [words, kind] = WORDS[state.state];
  if (by("state").textContent !== words) by("state").textContent = words;
  by("state").className = kind;
  by("what").textContent = `${state.scenario}, ${state.state === "working" ? state.stage : `run ${state.run}`}`;
  const most = state.time_limit_s ? `; the engine may take ${state.time_limit_s.toLocaleString("en")} s` : "";
  by("clock").textContent = `${state.elapsed_s.toFixed(1)} s${most}`;
  by("message").textContent = state.message + (state.state === "no plan" ? " — `computegrid explain` says which rules leave no plan." : "");
  by("faults").replaceChildren(...state.faults.map((fault) => faultItem(fault)));
  by("best").textContent = kcny(state.best_kcny);
  by("bound").textContent = kcny(state.bound_kcny);
  by("gap").textContent = percent(state.gap_frac);
  by("asked").textContent = percent(state.gap_asked_frac);
  by("stages").replaceChildren(...state.stages.map((stage) => stageRow(stage, state.points)));
  draw(state);
  by("busy").hidden = state.state !== "working";
  const solved = state.state === "solved";
  by("cancel").hidden = state.state !== "working";
  link("open-run", solved, `/runs/${state.run}`);
  link("open-report", solved, `/runs/${state.run}/report`);
  link("open-compare", solved, `/?chosen=${state.run}`);
  link("open-editor", state.origin === "own" && state.state !== "working", `/scenarios/${state.scenario}`);
  document.title = state.state === "working" ? `${percent(state.gap_frac)} ${state.scenario} – computegrid desk` : `${state.state}: ${state.scenario} – computegrid desk`;
};

const follow = async () => {
  try {
    const state = await ask("/api/solve");
    if (!state) return;
    show(state);
    if (state.state === "working") setTimeout(follow, EVERY_MS);
  } catch (error) {
    tell(error);
  }
};

by("cancel").addEventListener("click", async () => {
  by("cancel").disabled = true;
  try {
    await ask("/api/cancel", {});
  } catch (error) {
    tell(error);
  }
  by("cancel").disabled = false;
});
follow();
