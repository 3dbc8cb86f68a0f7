// The language of the controls: that of the page.
import { language } from "../index.js";

export const { texts } = language === "de" ? await import("./de.js") : await import("./en.js");
