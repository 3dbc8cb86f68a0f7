// The group in words: centre, size and advice for the sight; behind "More" how far its arrows allow to trust them.
import { groups } from "../model/group.js";
import { texts } from "../texts/index.js";
import { definitions, element } from "./dom.js";

export function showGroup(section, statistics, archer) {
  const found = groups(statistics, archer);
  const count = statistics.group && element("span", { class: "count" }, texts.arrows(statistics.group.n));
  section.querySelector("h2").replaceChildren(`${texts.page.group} `, ...(count ? [count] : []));
  fill(section.querySelector(".first"), found, ({ first }) => first);
  fill(section.querySelector(".further"), found, ({ more }) => more);
}

/** Dashes until the group of another session is known. */
export function clearGroup(section) {
  showGroup(section, { group: null, sight: null, slots: [], spread_from: 0 });
}

function fill(holder, found, termsOf) {
  holder.replaceChildren(...found.flatMap((one) => [
    ...(one.title ? [element("h3", {}, one.title)] : []),
    ...(termsOf(one).length ? [element("dl", { class: "terms" }, ...definitions(termsOf(one)))] : [])]));
}
