// The editor: a text, the numbers of its lines, and what is wrong with it as it is typed.
import { ask, faultItem, limits, tell } from "./desk.js";

const WAIT_MS = 400;
const by = (id) => document.getElementById(id);
const [text, lines, verdict, kept] = ["text", "lines", "verdict", "kept"].map(by);
const name = text.dataset.name;
let version = text.dataset.version;
let saved = text.value;
let asking = null;
let timer = 0;

const number = (wrong) => {
  const count = text.value.split("\n").length;
  const rows = Array.from({ length: count }, (_, i) => {
    const row = document.createElement("span");
    row.textContent = String(i + 1);
    if (wrong.has(i + 1)) row.className = "wrong";
    return row;
  });
  lines.replaceChildren(...rows);
  lines.scrollTop = text.scrollTop;
};

const jump = (line) => {
  const rows = text.value.split("\n");
  const start = rows.slice(0, line - 1).reduce((sum, row) => sum + row.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (rows[line - 1] || "").length);
  text.scrollTop = (line - 6) * (text.scrollHeight / rows.length);
};

const show = ({ faults, about }) => {
  by("faults").replaceChildren(...faults.map((fault) => faultItem(fault, jump)));
  const many = faults.length === 1 ? "1 处错误 · 1 fault" : `${faults.length} 处错误 · ${faults.length} faults`;
  const words = faults.length === 0 ? "无误 · no faults" : many;
  if (verdict.textContent !== words) verdict.textContent = words;
  verdict.className = faults.length === 0 ? "good" : "bad";
  by("faults-head").hidden = faults.length === 0;
  number(new Set(faults.filter((fault) => fault.own).map((fault) => fault.line)));
  if (!about.why) return;
  by("why").textContent = about.why;
  by("facts").textContent = `${about.hours} hours, gap ${+(100 * about.gap_frac).toPrecision(4)} %, ${about.time_limit_s} s at most`;
  by("changes").textContent = about.parent ? `Against ${about.parent}: ${about.changes || "nothing"}.` : "It stands alone: it extends no other.";
  by("resolved").textContent = about.resolved;
};

const fits = () => {
  const size = new TextEncoder().encode(text.value).length;
  if (size > text.dataset.limit) throw new Error(`A scenario holds at most ${Number(text.dataset.limit).toLocaleString("en")} bytes, this one ${size.toLocaleString("en")}.`);
};

const check = async () => {
  if (asking) asking.abort();
  asking = new AbortController();
  try {
    fits();
    show(await ask("/api/check", { name, text: text.value }, asking.signal));
  } catch (error) {
    if (error.name !== "AbortError") {
      verdict.textContent = "未校验 · not checked";
      verdict.className = "idle";
      tell(error);
    }
  }
};

const mark = () => {
  kept.textContent = text.value === saved ? "" : "有未保存的修改 · There are changes that are not saved.";
};

const save = async () => {
  fits();
  const now = text.value;
  by("told").textContent = "";
  const answer = await ask("/api/save", { name, text: now, version });
  version = answer.version;
  saved = now;
  mark();
  kept.textContent = kept.textContent || "已保存 · Saved.";
};

text.addEventListener("input", () => {
  number(new Set());
  mark();
  clearTimeout(timer);
  timer = setTimeout(check, WAIT_MS);
});
text.addEventListener("scroll", () => {
  lines.scrollTop = text.scrollTop;
});
by("save").addEventListener("click", () => save().catch(tell));
window.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    save().catch(tell);
  }
});
by("solve-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await save();
    location.assign((await ask("/api/solve", { origin: "own", name, ...limits(event.target) })).goto);
  } catch (error) {
    tell(error);
  }
});
window.addEventListener("beforeunload", (event) => {
  if (text.value !== saved) event.preventDefault();
});

number(new Set());
check();
