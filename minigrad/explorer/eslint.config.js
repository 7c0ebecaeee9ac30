// ESLint's rules for the page's modules. Run `npm ci && npm run lint`; `make test` runs them too.
import js from "@eslint/js";

const browser = ["document", "window", "performance", "setInterval", "clearInterval", "setTimeout", "getComputedStyle", "ResizeObserver"];

export default [
  js.configs.recommended,
  {
    files: ["web/*.js"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: Object.fromEntries(browser.map((name) => [name, "readonly"])),
    },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-shadow": "error",
      "no-implicit-globals": "error",
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML", "write"].map((property) => ({
          property,
          message: "Texts from the user's program become text nodes, never markup (dom.js).",
        })),
      ],
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket", "localStorage", "eval"],
    },
  },
];
