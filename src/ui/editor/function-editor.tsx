/** A field for the source of an access function: JavaScript, with completion of the function's argument. The server finds the problems. */
"use client";

import { CodeEditor, type CodeEditorProps } from "./code-editor";

const load = () => import("./function-code-mirror");

export function FunctionEditor(props: Omit<CodeEditorProps, "load">) {
  return <CodeEditor {...props} load={load} />;
}
