/** CodeMirror for one language, styled with the design tokens. Large: only code-editor.tsx loads it, on demand. Independent of React. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput, syntaxTree } from "@codemirror/language";
import { linter } from "@codemirror/lint";
import { Compartment, EditorState, type Extension, Prec, RangeSetBuilder, StateEffect } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, lineNumbers, ViewPlugin } from "@codemirror/view";
import type { JsonProblem, LocatedProblem } from "./json-problems";

const CHECK_AFTER_MS = 250;

/** The language of the text in an editor. */
export interface EditorLanguage {
  extension: Extension;
  /** The problems of the text, ordered by position: those that the language finds, and the given ones. */
  locate: (text: string, problems: readonly JsonProblem[]) => LocatedProblem[];
}

/** Options that can change while the editor is open. */
export interface CodeMirrorOptions {
  readOnly: boolean;
  /** Attributes of the focusable element: labels, descriptions. */
  attributes: Readonly<Record<string, string>>;
  problems: readonly JsonProblem[];
}

/** A problem with its line, counted from 1. */
export interface PlacedProblem extends LocatedProblem {
  line: number;
}

export interface CodeMirror {
  /** Replaces the text if it differs. Does not call `onChange`. */
  setValue(value: string): void;
  setOptions(options: CodeMirrorOptions): void;
  /** Focuses the editor. Selects a range and scrolls it into view. */
  focus(range?: { from: number; to: number }): void;
  destroy(): void;
}

const recheck = StateEffect.define();

export interface CodeMirrorSetup {
  parent: HTMLElement;
  value: string;
  options: CodeMirrorOptions;
  onChange: (value: string) => void;
  /** Returns whether it handled the key. If not, the browser's default applies. */
  onSubmit: () => boolean;
  /** Called shortly after each change with the problems of the text, ordered by position. */
  onProblems: (problems: readonly PlacedProblem[]) => void;
}

export function createEditor(
  language: EditorLanguage,
  { parent, value, options, onChange, onSubmit, onProblems }: CodeMirrorSetup,
): CodeMirror {
  let current = options;
  let setting = false;
  const variable = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: value,
      extensions: [
        EditorView.cspNonce.of(document.querySelector<HTMLElement>("script[nonce]")?.nonce ?? ""),
        keymap.of([{ key: "Mod-Enter", run: onSubmit }]),
        lineNumbers(),
        history(),
        indentOnInput(),
        bracketMatching(),
        EditorView.lineWrapping,
        language.extension,
        COLOURS,
        THEME,
        keymap.of([...defaultKeymap, ...historyKeymap]),
        linter(
          ({ state }) => {
            const text = state.doc.toString();
            const found = language.locate(text, current.problems);
            onProblems(found.map((problem) => ({ ...problem, line: state.doc.lineAt(problem.from).number })));
            return found.map((problem) => ({ ...problem, severity: "error" as const }));
          },
          {
            delay: CHECK_AFTER_MS,
            needsRefresh: ({ transactions }) => transactions.some(({ effects }) => effects.some((effect) => effect.is(recheck))),
          },
        ),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged && !setting) onChange(state.doc.toString());
        }),
        // Takes precedence over other key bindings for Escape.
        Prec.highest(EditorView.domEventHandlers({ keydown: leaveByTabAfterEscape, blur: keepTab })),
        variable.of(toVariable(options)),
      ],
    }),
  });

  return {
    setValue: (text) => {
      const { doc } = view.state;
      if (text.length === doc.length && text === doc.toString()) return;
      setting = true;
      view.dispatch({ changes: { from: 0, to: doc.length, insert: text } });
      setting = false;
    },
    setOptions: (next) => {
      current = next;
      view.dispatch({ effects: [variable.reconfigure(toVariable(next)), recheck.of(null)] });
    },
    focus: (range) => {
      if (range) {
        const within = (offset: number) => Math.min(offset, view.state.doc.length);
        view.dispatch({ selection: { anchor: within(range.from), head: within(range.to) }, scrollIntoView: true });
      }
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

function toVariable({ readOnly, attributes }: CodeMirrorOptions): Extension {
  return [
    EditorState.readOnly.of(readOnly),
    EditorView.contentAttributes.of({ ...attributes, "aria-readonly": String(readOnly), spellcheck: "false" }),
    // In a read-only editor, Tab moves the focus.
    readOnly ? [] : keymap.of([indentWithTab]),
  ];
}

/**
 * Tab indents, so keyboard users could not leave the editor. After Escape, Tab moves the focus until the editor loses it. The first Escape does
 * not reach an enclosing dialog; the second one does.
 */
function leaveByTabAfterEscape(event: KeyboardEvent, view: EditorView): boolean {
  if (event.key !== "Escape" || view.state.readOnly || released.has(view)) return false;
  released.add(view);
  view.setTabFocusMode(true);
  event.stopPropagation();
  return false;
}

function keepTab(_: FocusEvent, view: EditorView): boolean {
  released.delete(view);
  view.setTabFocusMode(false);
  return false;
}

/** Editors in which Escape was pressed since they received the focus. */
const released = new WeakSet<EditorView>();

// In JSON, values other than strings are coloured, as in the console. The names in lower case are those of JavaScript.
const NAME = Decoration.mark({ attributes: { style: "color: var(--muted)" } });
const LITERAL = Decoration.mark({ attributes: { style: "color: var(--update)" } });
const TEXT = Decoration.mark({ attributes: { style: "color: var(--live)" } });
const MARKS: Readonly<Record<string, Decoration>> = {
  ...{ PropertyName: NAME, Number: LITERAL, True: LITERAL, False: LITERAL, Null: LITERAL },
  ...{ comment: NAME, keyword: LITERAL, number: LITERAL, atom: LITERAL, string: TEXT },
};

const COLOURS = ViewPlugin.define<{ marks: DecorationSet; update: (update: { view: EditorView }) => void }>(
  (view) => ({
    marks: toMarks(view),
    update(update) {
      this.marks = toMarks(update.view);
    },
  }),
  { decorations: ({ marks }) => marks },
);

/** The marks of the visible text. */
function toMarks(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const tree = syntaxTree(view.state);
  // In a very long line, a node can span two visible ranges. Marks are added in order and only once.
  let done = -1;
  for (const { from, to } of view.visibleRanges) {
    tree.iterate({
      from,
      to,
      enter: (node) => {
        const mark = MARKS[node.name];
        if (!mark || node.from <= done) return;
        builder.add(node.from, node.to, mark);
        done = node.from;
      },
    });
  }
  return builder.finish();
}

const THEME = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "transparent", fontSize: "0.75rem", minHeight: "inherit", maxHeight: "inherit" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--font-mono)",
    fontVariantLigatures: "none",
    lineHeight: "1.25rem",
    minHeight: "inherit",
    overflow: "auto",
  },
  // Phones zoom in on smaller text.
  "@media (pointer: coarse)": { "&": { fontSize: "1rem" }, ".cm-scroller": { lineHeight: "1.5rem" } },
  ".cm-content": { caretColor: "var(--text)", padding: "0.375rem 0", minHeight: "inherit" },
  ".cm-line": { padding: "0 0.625rem 0 0.5rem" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--muted)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 0 0 0.625rem", minWidth: "1.75rem" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selected)", outline: "1px solid var(--line-firm)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--delete)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--delete) 1px",
    textUnderlineOffset: "3px",
    textDecorationSkipInk: "none",
  },
  ".cm-lintPoint:after": { borderBottomColor: "var(--delete)" },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--line-firm)",
    borderRadius: "6px",
    maxWidth: "24rem",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", fontSize: "0.75rem", maxHeight: "14rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.125rem 0.625rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--selected)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", fontFamily: "var(--font-sans)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-tooltip .cm-diagnostic": { border: "none", padding: "0.25rem 0.625rem", fontFamily: "var(--font-sans)", fontSize: "0.8125rem" },
});
