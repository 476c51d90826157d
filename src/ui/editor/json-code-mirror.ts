/** CodeMirror for JSON. Large: only json-editor.tsx loads it, on demand. */
import { json } from "@codemirror/lang-json";
import { type CodeMirror, type CodeMirrorSetup, createEditor } from "./code-mirror";
import { locateProblems } from "./json-problems";

export function createCodeMirror(setup: CodeMirrorSetup): CodeMirror {
  return createEditor({ extension: json(), locate: locateProblems }, setup);
}
