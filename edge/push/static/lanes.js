// The choice of the lane. The address keeps it, so that it can be a bookmark or the start page of a wall screen.
import { element } from "./dom.js";

export class Lanes {
  /** What the address says of the overview. */
  static ALL = "all";

  #shown = null;

  /** onChoose(lane) when another lane is wanted, also by the browser's back button; without it links are just links. */
  constructor(nav, onChoose) {
    this.nav = nav;
    this.onChoose = onChoose;
    if (onChoose) addEventListener("popstate", () => onChoose(Lanes.asked()));
  }

  /** The lane that the address names, null when it names none. */
  static asked() {
    return new URLSearchParams(location.search).get("lane");
  }

  show(lanes, current) {
    this.nav.hidden = lanes.length < 2;
    // Links stay where they are while the lanes do: whoever has one in focus keeps it.
    if (this.#shown !== lanes.map((one) => one.lane).join()) {
      this.nav.replaceChildren(...lanes.map((one) => this.#link(one.lane)), element("a", { href: `?lane=${Lanes.ALL}` }, "All"));
    }
    this.#shown = lanes.map((one) => one.lane).join();
    [...lanes, { lane: Lanes.ALL, session_id: null }].forEach((one, i) => {
      const link = this.nav.children[i];
      if (one.lane === current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      link.classList.toggle("busy", one.session_id !== null);
    });
  }

  #link(lane) {
    const link = element("a", { href: `?lane=${lane}` }, `Lane ${lane}`);
    link.addEventListener("click", (event) => {
      if (!this.onChoose || event.ctrlKey || event.metaKey || event.shiftKey) return; // the last ones: a new tab or window
      event.preventDefault();
      history.pushState(null, "", link.href);
      this.onChoose(lane);
    });
    return link;
  }
}
