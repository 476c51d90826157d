/** A field for JSON text. Syntax errors are marked. */
"use client";

import { CodeEditor, type CodeEditorProps } from "./code-editor";

export type { JsonProblem } from "./json-problems";

export type JsonEditorProps = Omit<CodeEditorProps, "load">;

const load = () => import("./json-code-mirror");

export function JsonEditor(props: JsonEditorProps) {
  return <CodeEditor {...props} load={load} />;
}
