// Entry of the page: its texts, then one lane, or all of them.
import { fillTexts } from "./view/dom.js";
import { Lanes } from "./view/header.js";

fillTexts();
await import(Lanes.requested() === Lanes.ALL ? "./view/overview.js" : "./view/lane.js");
