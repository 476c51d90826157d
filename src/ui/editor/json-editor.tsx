/**
 * A field for JSON text: CodeMirror, loaded when it is drawn, and a plain text area until then, or for good where that fails. It must not hold the
 * text, and must not judge it: broken JSON is marked, and still handed on.
 */
"use client";

import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { classNames } from "../components/class-names";
import { CONTROL } from "../components/field";
import type { CodeMirror, PlacedProblem } from "./code-mirror";
import type { JsonProblem } from "./json-problems";

export type { JsonProblem } from "./json-problems";

export interface JsonEditorProps {
  /** Stands above the editor, and names it for screen readers. */
  label: string;
  hideLabel?: boolean;
  /** What belongs here; gives way to `problem`. */
  hint?: ReactNode;
  /** Beside the label, at the end of its line. */
  aside?: ReactNode;
  /** The text. Set it to what `onChange` says; another text replaces what is in the editor. */
  value: string;
  /** Absent or with `readOnly`: the text can only be read. */
  onChange?: ((value: string) => void) | undefined;
  /**
   * What is wrong with the JSON beyond its syntax (which the editor judges itself), each at a place of this very `value`: forget them in
   * `onChange`. They are marked in the text, and listed below it.
   */
  problems?: readonly JsonProblem[] | undefined;
  /** What is wrong with the text as a whole. */
  problem?: string | undefined;
  readOnly?: boolean;
  /** In a form: the field's name. The form then has the text under it. */
  name?: string;
  /** Heights of the text in CSS pixels: at first, and before it scrolls. */
  minHeight?: number;
  maxHeight?: number;
  /** Ctrl+Enter, or ⌘↵. */
  onSubmit?: (() => void) | undefined;
}

const NONE: readonly never[] = [];
const load = () => import("./code-mirror");

export function JsonEditor(props: JsonEditorProps) {
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

/** The editor in `host`, once it is loaded, kept in step with the properties. */
function useCodeMirror({
  id,
  readOnly,
  value,
  onChange,
  onSubmit,
  problems = NONE,
  problem,
  hint,
}: JsonEditorProps & { id: string; readOnly: boolean }) {
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
  // What the editor's own code calls must be of the latest drawing.
  const latest = useRef({ value, options, onChange, onSubmit });
  latest.current = { value, options, onChange, onSubmit };

  useEffect(() => {
    let gone = false;
    load().then(
      ({ createCodeMirror }) => {
        if (gone || !host.current) return;
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
        setLoaded(true);
      },
      // The text area does, without marks.
      () => undefined,
    );
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
      setLoaded(false);
    };
  }, []);

  useEffect(() => editor.current?.setValue(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the options are made of these
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
