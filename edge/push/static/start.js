// Which page this is: one lane, or all of them at a glance.
import { Lanes } from "./lanes.js";

await import(Lanes.asked() === Lanes.ALL ? "./overview.js" : "./main.js");
