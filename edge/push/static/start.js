// Entry of the page: its texts, then the view of its address.
import { takeToken } from "./operate/access.js";
import { view } from "./preferences.js";
import { fillTexts } from "./view/dom.js";

const VIEWS = {
  lane: () => import("./view/lane.js"),
  overview: () => import("./view/overview.js"),
  wall: () => import("./view/wall.js"),
  overlay: () => import("./view/overlay.js"),
};

takeToken(); // in every view, so that no screen shows it
document.body.dataset.view = view;
fillTexts();
await VIEWS[view]();
