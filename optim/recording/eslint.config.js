// The rules for the page's modules in web/ are those of the explorer.
export { default } from "../../minigrad/explorer/eslint.config.js";
