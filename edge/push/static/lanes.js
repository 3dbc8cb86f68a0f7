// The choice of the lane. The address keeps it, so that it can be a bookmark or the start page of a wall screen.
import { element } from "./dom.js";

export class Lanes {
  #shown = "";

  /** onChoose(lane) when another lane is wanted, also by the browser's back button. */
  constructor(nav, onChoose) {
    this.nav = nav;
    this.onChoose = onChoose;
    addEventListener("popstate", () => onChoose(Lanes.asked()));
  }

  /** The lane that the address names, null when it names none. */
  static asked() {
    return new URLSearchParams(location.search).get("lane");
  }

  show(lanes, current) {
    this.nav.hidden = lanes.length < 2;
    // Links stay where they are while the lanes do: whoever has one in focus keeps it.
    if (this.#shown !== lanes.map((one) => one.lane).join()) this.nav.replaceChildren(...lanes.map((one) => this.#link(one.lane)));
    this.#shown = lanes.map((one) => one.lane).join();
    lanes.forEach((one, i) => {
      const link = this.nav.children[i];
      if (one.lane === current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      link.classList.toggle("busy", one.session_id !== null);
    });
  }

  #link(lane) {
    const link = element("a", { href: `?lane=${lane}` }, `Lane ${lane}`);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
      event.preventDefault();
      history.pushState(null, "", link.href);
      this.onChoose(lane);
    });
    return link;
  }
}
