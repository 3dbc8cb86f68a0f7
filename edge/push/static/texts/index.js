// The language of the page. Another language is another file like en.js, chosen here.
export { language, texts } from "./en.js";
