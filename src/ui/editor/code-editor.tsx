/**
 * A field for text in a language: CodeMirror, loaded on demand, and a plain text area until then or if loading fails. Invalid text is marked, but
 * still passed to `onChange`.
 */
"use client";

import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { classNames } from "../components/class-names";
import { CONTROL } from "../components/field";
import type { CodeMirror, CodeMirrorSetup, PlacedProblem } from "./code-mirror";
import type { JsonProblem } from "./json-problems";

export interface CodeEditorProps {
  /** Loads the editor of the language. Must not change. */
  load: () => Promise<{ createCodeMirror: (setup: CodeMirrorSetup) => CodeMirror }>;
  /** Displayed above the editor, and its accessible name. */
  label: string;
  hideLabel?: boolean;
  /** Hidden while there is a `problem`. */
  hint?: ReactNode;
  /** At the end of the label's line. */
  aside?: ReactNode;
  /** The text. Set it to the value that `onChange` passes. A different text replaces the text in the editor. */
  value: string;
  /** Without it, or with `readOnly`, the text can't be edited. */
  onChange?: ((value: string) => void) | undefined;
  /**
   * Problems other than syntax errors, which the editor finds itself. They refer to the current `value`, so clear them in `onChange`. They are
   * marked in the text and listed below it.
   */
  problems?: readonly JsonProblem[] | undefined;
  /** A problem of the text as a whole. */
  problem?: string | undefined;
  readOnly?: boolean;
  /** The name of the field in a form. */
  name?: string;
  /** Initial and maximum height of the text, in CSS pixels. */
  minHeight?: number;
  maxHeight?: number;
  /** Called on Ctrl+Enter or ⌘↵. */
  onSubmit?: (() => void) | undefined;
}

const NONE: readonly never[] = [];

export function CodeEditor(props: CodeEditorProps) {
  const { label, hideLabel, hint, aside, value, onChange, problem, name, minHeight = 160, maxHeight = 480 } = props;
  const id = useId();
  const readOnly = (props.readOnly ?? false) || onChange === undefined;
  const { host, plain, editor, loaded, found } = useCodeMirror({ ...props, id, readOnly });
  const isInvalid = problem !== undefined || found.length > 0;
  const described = problem === undefined ? (hint ? `${id}-hint` : undefined) : `${id}-problem`;
  return (
    <div className="relative flex min-w-0 flex-col gap-1.5">
      <div className={classNames("flex items-baseline justify-between gap-3", hideLabel && "sr-only")}>
        <label id={`${id}-label`} htmlFor={`${id}-plain`} className="font-medium" onPointerUp={() => editor.current?.focus()}>
          {label}
        </label>
        {aside}
      </div>
      {name === undefined ? null : <input type="hidden" name={name} value={value} />}
      <div
        className={classNames(
          CONTROL,
          "group/editor overflow-hidden focus-within:outline-2 focus-within:outline-offset-[-1px] focus-within:outline-focus",
          isInvalid && "border-delete",
        )}
      >
        <div ref={host} style={{ minHeight, maxHeight }} className={loaded ? "flex flex-col *:min-h-0 *:flex-1" : "hidden"} />
        {loaded ? null : (
          <textarea
            ref={plain}
            id={`${id}-plain`}
            value={value}
            readOnly={readOnly}
            aria-invalid={isInvalid || undefined}
            aria-describedby={described}
            spellCheck={false}
            onChange={(event) => onChange?.(event.target.value)}
            style={{ minHeight, maxHeight }}
            className="block field-sizing-content w-full resize-none bg-transparent py-1.5 pr-2.5 pl-9 font-mono text-data leading-5 outline-none"
          />
        )}
      </div>
      {loaded && !readOnly ? (
        <p id={`${id}-keys`} className="sr-only">
          Tab indents. To leave the editor, press Escape, then Tab.
        </p>
      ) : null}
      {problem ? (
        <p id={`${id}-problem`} className="animate-appear text-delete">
          {problem}
        </p>
      ) : hint ? (
        <p id={`${id}-hint`} className="text-muted">
          {hint}
        </p>
      ) : null}
      <ProblemList found={found} onChoose={(at) => editor.current?.focus(at)} />
    </div>
  );
}

/** Creates the editor in `host` once it is loaded, and keeps it in sync with the props. */
function useCodeMirror({
  id,
  load,
  readOnly,
  value,
  onChange,
  onSubmit,
  problems = NONE,
  problem,
  hint,
}: CodeEditorProps & { id: string; readOnly: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<CodeMirror>(null);
  const [loaded, setLoaded] = useState(false);
  const [found, setFound] = useState<readonly PlacedProblem[]>(NONE);
  const isInvalid = problem !== undefined || found.length > 0;
  const described = [problem === undefined ? (hint ? `${id}-hint` : "") : `${id}-problem`, readOnly ? "" : `${id}-keys`].join(" ").trim();
  const options = {
    readOnly,
    problems,
    attributes: {
      "aria-labelledby": `${id}-label`,
      ...(described === "" ? {} : { "aria-describedby": described }),
      ...(isInvalid ? { "aria-invalid": "true" } : {}),
    },
  };
  // The editor calls the callbacks of the latest rendering.
  const latest = useRef({ value, options, onChange, onSubmit });
  latest.current = { value, options, onChange, onSubmit };
  const loadOnce = useRef(load).current;

  useEffect(() => {
    let isUnmounted = false;
    loadOnce().then(
      ({ createCodeMirror }) => {
        if (isUnmounted || !host.current) return;
        const before = plain.current;
        const selected = before && document.activeElement === before ? { from: before.selectionStart, to: before.selectionEnd } : undefined;
        editor.current = createCodeMirror({
          parent: host.current,
          value: latest.current.value,
          options: latest.current.options,
          onChange: (text) => latest.current.onChange?.(text),
          onSubmit: () => {
            latest.current.onSubmit?.();
            return latest.current.onSubmit !== undefined;
          },
          onProblems: setFound,
        });
        host.current.classList.remove("hidden");
        if (selected) editor.current.focus(selected);
        // At once, so that the page never has both the text area and the editor.
        flushSync(() => setLoaded(true));
      },
      // The text area stays, without marks.
      () => undefined,
    );
    return () => {
      isUnmounted = true;
      editor.current?.destroy();
      editor.current = null;
      setLoaded(false);
    };
  }, [loadOnce]);

  useEffect(() => editor.current?.setValue(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are the inputs of the options
  useEffect(() => editor.current?.setOptions(latest.current.options), [readOnly, problems, described, isInvalid]);
  return { host, plain, editor, loaded, found: loaded ? found : NONE };
}

const LISTED_MAX = 20;

function ProblemList({ found, onChoose }: { found: readonly PlacedProblem[]; onChoose: (problem: PlacedProblem) => void }) {
  return (
    <ul aria-label="Problems in the text" className="flex flex-col gap-1 empty:hidden">
      {found.slice(0, LISTED_MAX).map((problem) => (
        <li key={`${problem.from} ${problem.message}`} className="animate-appear">
          <button type="button" onClick={() => onChoose(problem)} className="rounded-xs text-left text-delete pointer-coarse:min-h-8">
            <span className="font-medium">
              Line {problem.line}
              {problem.pointer ? (
                <>
                  , <code className="wrap-anywhere">{problem.pointer}</code>
                </>
              ) : null}
              :
            </span>{" "}
            <span className="wrap-anywhere">{problem.message}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
