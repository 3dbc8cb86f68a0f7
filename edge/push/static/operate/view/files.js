// The files of the shown session: score sheet to print, certificate and tables, also while it runs.
import { texts } from "../../texts/operate/index.js";
import { element } from "../../view/dom.js";
import { filesOf } from "../model/history.js";
import { Dialog } from "./dialog.js";

export async function showFiles(lane) {
  const dialog = new Dialog(texts.bar.files, "small");
  dialog.content.append(element("div", { class: "fields" }, element("p", { class: "wide links" },
    ...filesOf(lane.range.session.id).map(([path, text]) => element("a", { href: `api/v0/${path}`, target: "_blank", rel: "noopener" }, text)))));
  await dialog.open();
}
