/** CodeMirror for JSON that a schema describes: completes keys and values. Large: only the composer loads it, on demand. */
import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { json } from "@codemirror/lang-json";
import { type CodeMirror, type CodeMirrorSetup, createEditor } from "./code-mirror";
import { locateProblems } from "./json-problems";
import { completeFromSchema } from "./schema-completion";

export interface SchemaSource {
  /** The current schema. */
  getSchema: () => unknown;
  /** Replaces what is not JSON yet, such as variables, by JSON of the same length, so that it is not marked. */
  mask: (text: string) => string;
}

export function createSchemaCodeMirror(setup: CodeMirrorSetup, { getSchema, mask }: SchemaSource): CodeMirror {
  const complete = ({ state, pos }: CompletionContext): CompletionResult | null => {
    const found = completeFromSchema(state.doc.toString(), pos, getSchema());
    return found && { from: found.from, options: [...found.options], validFor: /^"?[^"{}[\],:]*$/ };
  };
  const locate: typeof locateProblems = (text, problems) => locateProblems(mask(text), problems);
  return createEditor({ extension: [json(), autocompletion({ override: [complete], icons: false })], locate }, setup);
}
