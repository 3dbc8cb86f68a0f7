// The reader's settings: language and units, kept in the browser. The page loads again with them.
import { choices, keep } from "../preferences.js";
import { texts } from "../texts/index.js";
import { byId, element } from "./dom.js";

/** Show the button that opens the settings. */
export function offerSettings(button) {
  button.hidden = false;
  button.addEventListener("click", () => open());
}

function open() {
  const { settings } = texts;
  const fields = {
    language: select("language", settings.language, { "": settings.ofBrowser, ...settings.languages }, choices.language),
    distance: select("distance", settings.distance, settings.distances, choices.distance),
    speed: select("speed", settings.speed, settings.speeds, choices.speed),
  };
  const note = element("p", { class: "trouble", role: "alert", hidden: true }, settings.notKept);
  const cancel = element("button", { type: "button" }, settings.cancel);
  const form = element("form", { method: "dialog" }, element("h2", { id: "settings-heading" }, texts.page.settings), ...Object.values(fields), note,
    element("div", { class: "actions" }, cancel, element("button", { class: "primary" }, settings.save)));
  const dialog = element("dialog", { class: "settings", "aria-labelledby": "settings-heading" }, form);
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (keep(Object.fromEntries(new FormData(form)))) reload();
    else note.hidden = false;
  });
  dialog.addEventListener("close", () => dialog.remove());
  byId("dialogs").append(dialog);
  dialog.showModal();
}

/** Load the page again. An address that names a language would win over the chosen one. */
function reload() {
  const address = new URL(location.href);
  address.searchParams.delete("lang");
  location.replace(address);
  if (address.href === location.href) location.reload();
}

function select(name, label, options, value) {
  return element("label", {}, element("span", {}, label),
    element("select", { name }, ...Object.entries(options).map(([key, text]) => element("option", { value: key, selected: key === value }, text))));
}
