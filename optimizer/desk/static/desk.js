// What every page of the desk shares: asking, telling what was refused, forms, the list of runs, the busy mark.
const told = document.getElementById("told");

export const ask = async (path, body, signal) => {
  const asked =
    body === undefined
      ? { signal }
      : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
  const answer = await fetch(path, asked);
  const kind = answer.headers.get("Content-Type") || "";
  const said = kind.startsWith("application/json") ? await answer.json() : { message: await answer.text() };
  if (!answer.ok) throw new Error(said.message || `The desk answered ${answer.status}.`);
  return said;
};

export const tell = (error) => {
  const away = error instanceof TypeError;
  told.textContent = away ? "The desk does not answer: has it been closed?" : error.message;
  told.scrollIntoView({ block: "nearest" });
};

const number = (form, name) => {
  const field = form.elements[name];
  return field && field.value.trim() !== "" ? Number(field.value) : null;
};

export const limits = (form) => {
  const percent = number(form, "gap_percent");
  return { gap_frac: percent === null ? null : percent / 100, time_limit_s: number(form, "time_limit_s") };
};

export const faultItem = (fault, jump) => {
  const item = document.createElement("li");
  const add = (tag, kind, text) => {
    const part = document.createElement(tag);
    part.className = kind;
    part.textContent = text;
    item.append(part);
    return part;
  };
  const line = fault.line === null ? "" : `line ${fault.line}`;
  if (fault.own && line && jump) {
    const place = add("button", "place", `第 ${fault.line} 行 ${line}`);
    place.type = "button";
    place.addEventListener("click", () => jump(fault.line));
  } else {
    add("span", "place", [fault.own ? "" : fault.file, line].filter(Boolean).join(", ") || fault.file);
  }
  add("span", "found", `${fault.found}; ${fault.rule}.`);
  add("span", "mend", `Mend: ${fault.mend}.`);
  return item;
};

const send = async (form) => {
  const chosen = form.querySelector("select");
  const origin = chosen ? chosen.selectedOptions[0].dataset.origin : form.dataset.origin;
  if (form.dataset.post === "/api/copy") {
    const source = chosen ? chosen.value : form.dataset.source;
    return ask("/api/copy", { origin, source, name: form.elements.name.value });
  }
  return ask("/api/solve", { origin, name: chosen ? chosen.value : form.dataset.name, ...limits(form) });
};

for (const form of document.querySelectorAll("form[data-post]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    told.textContent = "";
    try {
      location.assign((await send(form)).goto);
    } catch (error) {
      tell(error);
    }
  });
}

const compare = document.getElementById("compare");
if (compare) {
  const boxes = [...compare.querySelectorAll("input[type=checkbox]")];
  const button = compare.querySelector("button");
  const chosen = document.getElementById("chosen");
  let order = []; // the run that is chosen first is the reference
  const count = () => {
    const marked = boxes.filter((box) => box.checked).map((box) => box.value);
    order = [...order.filter((run) => marked.includes(run)), ...marked.filter((run) => !order.includes(run))];
    button.disabled = order.length < 2;
    const more = order.length === 1 ? `${order[0]} is the reference: choose another.` : "Choose two or more; the first chosen is the reference.";
    chosen.textContent = order.length < 2 ? more : `${order.length} runs, against ${order[0]}.`;
  };
  compare.addEventListener("formdata", (event) => {
    event.formData.delete("run");
    for (const run of order) event.formData.append("run", run);
  });
  compare.addEventListener("change", count);
  count();
  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const word = filter.value.trim().toLowerCase();
    for (const row of compare.querySelectorAll("tbody tr")) {
      row.hidden = !row.textContent.toLowerCase().includes(word) && !row.querySelector(":checked");
    }
  });
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
}

// The mark in the head follows a solve from whatever page; the page of the solve follows it by itself.
const busy = document.getElementById("busy");
const follow = async () => {
  try {
    const state = await ask("/api/solve");
    busy.hidden = !state || state.state !== "working";
    if (busy.hidden) return;
    const gap = state.gap_frac === null ? "" : `, gap ${(100 * state.gap_frac).toFixed(3)} %`;
    busy.querySelector(".words").textContent = `Solving ${state.scenario}${gap}`;
    setTimeout(follow, 2000);
  } catch {
    busy.hidden = true;
  }
};
if (!busy.hidden) follow();
