// The editor of a lesson's file, and the libraries of lesson.js and home.js. esbuild joins this file with its npm packages.
import { python } from "@codemirror/lang-python";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, keymap } from "@codemirror/view";
import { indentWithTab } from "@codemirror/commands";
import { tags } from "@lezer/highlight";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { minimalSetup } from "codemirror";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { highlightActiveLineGutter, lineNumbers } from "@codemirror/view";
import { toggleComment } from "@codemirror/commands";

export { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
export { pbkdf2, sha256, shake256 };

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null, tags.operatorKeyword], color: "var(--code-keyword)" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--code-comment)" },
]);

const mark = StateEffect.define();
/** The line that the last check named, until the file changes there. */
const marked = StateField.define({
  create: () => Decoration.none,
  update(lines, transaction) {
    let now = lines.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(mark)) continue;
      const { doc } = transaction.state;
      const line = effect.value && effect.value <= doc.lines ? [Decoration.line({ class: "cm-wrong" }).range(doc.line(effect.value).from)] : [];
      now = Decoration.set(line);
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Center a line in the editor. CodeMirror would also scroll the page, which starts at its top when it is opened. */
function scrollEditorOnly(view, { head }, { y }) {
  if (y !== "center") return false; // the cursor moves
  const { top, height } = view.lineBlockAt(head);
  view.scrollDOM.scrollTop = top - (view.scrollDOM.clientHeight - height) / 2;
  return true;
}

/** An editor for Python. Calls `changed(text)` after each change, and `check()` for Ctrl+Enter. It starts at the first line that
 * contains `from`. */
export function createEditor(parent, { text, label, describedBy, changed, check, from }) {
  const setup = [
    lineNumbers(), highlightActiveLineGutter(), minimalSetup, bracketMatching(), indentOnInput(), python(), marked,
    EditorView.scrollHandler.of(scrollEditorOnly),
    indentUnit.of("    "), EditorState.tabSize.of(4), syntaxHighlighting(colours),
    EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": describedBy, tabindex: "0" }),
    EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
  ];
  const keys = [
    { key: "Mod-Enter", run: () => (check(), true) },
    { key: "Mod-/", run: toggleComment },
    indentWithTab,
  ];
  if (window.matchMedia("(max-width: 46em)").matches) setup.push(EditorView.lineWrapping);
  const view = new EditorView({ parent, doc: text, extensions: [keymap.of(keys), setup] });
  parent.addEventListener("keydown", (event) => event.stopPropagation()); // the theme's keys, such as / for search
  const place = text.search(from);
  if (place > 0) view.dispatch({ selection: { anchor: place }, effects: EditorView.scrollIntoView(place, { y: "center" }) });
  return {
    text: () => view.state.doc.toString(),
    set: (now) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: now } }),
    mark: (line) => view.dispatch({ effects: mark.of(line) }),
    focus: () => view.focus(),
    focused: () => view.hasFocus,
  };
}
