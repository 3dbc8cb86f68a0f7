// Past sessions: what was shot, how well, and the files of each.
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { filesOf, historyRow } from "../model/history.js";
import { read } from "../send.js";
import { Dialog, loaded, titled } from "./dialog.js";

/** Sessions that are loaded at a time. */
const LIMIT = 20;

export async function showHistory(lane) {
  const { history } = texts;
  const dialog = new Dialog(titled(lane, history.title), "broad");
  const list = element("ul", { class: "rows wide sessions" });
  const more = element("button", { type: "button" }, history.more);
  dialog.content.append(element("div", { class: "fields" }, list), element("footer", {}, more));
  let after = null;
  async function fill() {
    const found = await loaded(history.title, () => read("session/history", { lane: lane.range.lane, limit: LIMIT, after }));
    if (!found) return false;
    const rows = found.data;
    list.append(...rows.map(item));
    if (!list.children.length) list.append(element("li", { class: "empty" }, history.none));
    after = rows.at(-1)?.id ?? after;
    more.parentElement.hidden = rows.length < LIMIT;
    return true;
  }
  more.addEventListener("click", fill);
  if (await fill()) await dialog.open();
}

function item(one) {
  const { history } = texts;
  const row = historyRow(one);
  const best = () => [" ", element("span", { class: "best" }, history.best)];
  return element("li", { "data-session": row.id },
    element("h3", {}, row.when), element("p", { class: "about" }, row.about),
    ...row.archers.map(({ name, facts, isBest }) => element("p", { class: "result" },
      ...(name ? [element("b", {}, name), " "] : []), facts, ...(isBest ? best() : []))),
    links(row.id, history.links(row.when)));
}

function links(id, label) {
  return element("p", { class: "links wide", role: "group", "aria-label": label },
    ...filesOf(id).map(([path, text]) => element("a", { href: `api/v0/${path}`, target: "_blank", rel: "noopener" }, text)));
}
