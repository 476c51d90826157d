/**
 * CodeMirror for access functions (S8). Large: only function-editor.tsx loads it, on demand. It colours words instead of parsing JavaScript, because a
 * parser would exceed the size that the editor may have.
 */
import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { StreamLanguage } from "@codemirror/language";
import { type CodeMirror, type CodeMirrorSetup, createEditor } from "./code-mirror";
import { completeFunction } from "./function-completion";
import { INITIAL_STATE, readToken } from "./javascript-tokens";
import type { JsonProblem, LocatedProblem } from "./json-problems";

const javascript = StreamLanguage.define({
  name: "javascript",
  startState: () => ({ ...INITIAL_STATE }),
  token: readToken,
  languageData: {
    commentTokens: { line: "//", block: { open: "/*", close: "*/" } },
    closeBrackets: { brackets: ["(", "[", "{", "'", '"'] },
  },
});

export function createCodeMirror(setup: CodeMirrorSetup): CodeMirror {
  const completion = autocompletion({ override: [complete], icons: false });
  return createEditor({ extension: [javascript, completion], locate }, setup);
}

function complete({ state, pos, explicit }: CompletionContext): CompletionResult | null {
  const text = state.doc.toString();
  const found = completeFunction(text, pos, explicit);
  return found && { from: found.from, options: [...found.options], validFor: /^[\w$]*$/ };
}

/** The word at the offset of each problem. */
function locate(text: string, problems: readonly JsonProblem[]): LocatedProblem[] {
  return problems.flatMap((problem) => {
    if (!("offset" in problem)) return [];
    const from = Math.min(problem.offset, text.length);
    const word = /^[\w$]+/.exec(text.slice(from))?.[0] ?? "";
    return [{ from, to: Math.min(from + Math.max(word.length, 1), text.length), message: problem.message }];
  });
}
