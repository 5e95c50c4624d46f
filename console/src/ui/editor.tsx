/** The SQL editor: CodeMirror in a shadow root, where it puts its styles into adopted sheets and not inline. */

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, toggleComment } from "@codemirror/commands";
import { PostgreSQL, sql, type SQLNamespace } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches } from "@codemirror/search";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useImperativeHandle, useRef } from "preact/hooks";
import type { Ref } from "preact";

export interface EditorHandle {
  /** What is to run: the selection if there is one, else everything. */
  readonly statement: () => string;
  readonly replace: (text: string) => void;
  readonly insert: (text: string) => void;
  readonly focus: () => void;
}

interface Props {
  readonly handle: Ref<EditorHandle>;
  readonly names: SQLNamespace;
  readonly initial: string;
  readonly onRun: () => void;
}

const COLOURS = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.operatorKeyword, tags.modifier],
    color: "var(--syntax-keyword)",
    fontWeight: "600",
  },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--syntax-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--syntax-number)" },
  { tag: [tags.comment], color: "var(--syntax-comment)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "var(--syntax-type)" },
  { tag: [tags.operator, tags.punctuation], color: "var(--ink-2)" },
]);

const LOOK = EditorView.theme({
  "&": { height: "100%", fontSize: "13.5px", backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--accent)", padding: "10px 0" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-gutters": {
    backgroundColor: "transparent",
    color: "var(--ink-3)",
    border: "none",
    paddingLeft: "6px",
  },
  ".cm-activeLine": { backgroundColor: "var(--line-soft)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-selectionMatch": { backgroundColor: "var(--match)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--match)", outline: "1px solid var(--line)" },
  ".cm-placeholder": { color: "var(--ink-3)" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12.5px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 10px 3px 6px", color: "var(--ink)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
});

export function Editor({ handle, names, initial, onRun }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const language = useRef(new Compartment());
  const run = useRef(onRun);
  run.current = onRun;

  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: "open" });
    view.current = new EditorView({ root, parent: root, state: stateOf(initial, language.current, run) });
    return () => view.current?.destroy();
  }, []);
  useEffect(() => view.current?.dispatch({ effects: language.current.reconfigure(dialect(names)) }), [names]);
  useImperativeHandle(handle, () => handleOf(() => view.current!), []);

  return <div class="editor" ref={host} />;
}

function stateOf(text: string, language: Compartment, run: { current: () => void }): EditorState {
  const runKeys = ["Mod-Enter", "Ctrl-Enter"].map((key) => ({ key, run: () => (run.current(), true) }));
  return EditorState.create({
    doc: text,
    extensions: [
      Prec.highest(keymap.of(runKeys)),
      lineNumbers(),
      history(),
      drawSelection(),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ icons: false }),
      highlightActiveLine(),
      highlightSelectionMatches(),
      placeholder("SELECT …"),
      EditorView.lineWrapping,
      EditorView.domEventHandlers({ beforeinput: typeOver }),
      EditorView.contentAttributes.of({ "aria-label": "SQL, Control Enter runs it" }),
      keymap.of([
        { key: "Mod-/", run: toggleComment },
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...historyKeymap,
        ...defaultKeymap,
      ]),
      language.of(dialect({})),
      syntaxHighlighting(COLOURS),
      LOOK,
    ],
  });
}

/**
 * Type over a selection without the browser's own editing, which would carry the colours of what was there over
 * in a style attribute, and the page's policy forbids those.
 */
function typeOver(event: InputEvent, view: EditorView): boolean {
  const { state } = view;
  const text = event.data;
  const { from, to, empty } = state.selection.main;
  if (event.inputType !== "insertText" || event.isComposing || text === null || empty) return false;
  event.preventDefault();
  const insert = () =>
    state.update(state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
  const isHandled = state
    .facet(EditorView.inputHandler)
    .some((handle) => handle(view, from, to, text, insert));
  if (!isHandled) view.dispatch(insert());
  return true;
}

function dialect(names: SQLNamespace) {
  return sql({ dialect: PostgreSQL, schema: names, defaultSchema: "main", upperCaseKeywords: true });
}

function handleOf(view: () => EditorView): EditorHandle {
  return {
    statement: () => {
      const { doc, selection } = view().state;
      const { from, to, empty } = selection.main;
      return empty ? doc.toString() : doc.sliceString(from, to);
    },
    replace: (text) => {
      const length = view().state.doc.length;
      view().dispatch({ changes: { from: 0, to: length, insert: text }, selection: { anchor: text.length } });
    },
    insert: (text) => {
      view().dispatch(view().state.replaceSelection(text));
      view().focus();
    },
    focus: () => view().focus(),
  };
}
