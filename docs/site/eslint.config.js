// The explorer's rules for the scripts of the site. Run `../../minigrad/explorer/node_modules/.bin/eslint .` or `make test`.
import explorer from "../../minigrad/explorer/eslint.config.js";

const [recommended, modules] = explorer;
const more = [
  "window", "self", "Worker", "URL", "Blob", "Response", "TransformStream", "DOMParser", "TextEncoder", "TextDecoder", "btoa",
  "atob", "fetch", "localStorage", "caches", "navigator", "location", "crypto", "clearTimeout", "IntersectionObserver",
  "ResizeObserver",
];

export default [
  { ...recommended, files: ["web/*.js"] },
  {
    ...modules,
    files: ["web/*.js"],
    languageOptions: {
      ...modules.languageOptions,
      globals: { ...modules.languageOptions.globals, ...Object.fromEntries(more.map((name) => [name, "readonly"])) },
    },
    // an explorer's page may neither load nor store anything; the site does both
    rules: { ...modules.rules, "no-restricted-globals": "off" },
  },
];
