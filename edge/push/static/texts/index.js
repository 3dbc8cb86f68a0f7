// The texts in the language of the page. Another language is another file like en.js, named here and in preferences.js.
import { language } from "../preferences.js";
import { texts as de } from "./de.js";
import { texts as en } from "./en.js";

export { language, locale } from "../preferences.js";

/** The texts of the page's language, of an object with one entry per language. */
export function chosen(all) {
  return all[language];
}

export const texts = chosen({ de, en });
