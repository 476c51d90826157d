/** A form that is checked on submit, first by a schema and then by the server. Problems are shown at the fields, whose values stay in the DOM. */
"use client";

import { type FormEvent, type RefObject, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { RequestError, toRequestError } from "../api/request-error";
import { type FormDraft, type FormDraftOptions, useFormDraft } from "./drafts/use-form-draft";

/** Checks the body of a form. */
export interface BodyCheck<Body> {
  /** Called when the form receives the focus, to load what `run` needs. */
  prepare: () => void;
  run: (body: unknown) => Promise<CheckedForm<Body>>;
}

/** `detail` is shown if no field shows a problem. */
export type CheckedForm<Body> = { ok: true; value: Body } | { ok: false; fields: Readonly<Record<string, string>>; detail: string };

export interface FormOptions<Body> {
  check: BodyCheck<Body>;
  /** Makes the body from the named fields and other state of the form. */
  toBody: (fields: Readonly<Record<string, string>>) => unknown;
  /** Sends the checked body. Errors are shown: `fields` at the fields, otherwise the message above the buttons. */
  submit: (body: Body) => Promise<unknown>;
  /** Keeps unsaved changes. Without it, they are lost with the form. */
  draft?: FormDraftOptions;
}

export interface Form {
  /** For `<form {...form.props}>`. */
  props: {
    ref: RefObject<HTMLFormElement | null>;
    noValidate: true;
    method: "post";
    onSubmit: (event: FormEvent<HTMLFormElement>) => void;
    onFocus: () => void;
    onInput: (event: FormEvent<HTMLFormElement>) => void;
  };
  /** The problem of a field, or of a part of it (`allowedOrigins.1`). */
  problemOf: (field: string) => string | undefined;
  /** The error, if it concerns no field of the form. */
  failure: RequestError | undefined;
  pending: boolean;
  /** False until hydration. Before that, the browser would submit the form itself. */
  ready: boolean;
  draft: FormDraft;
}

type Problems = Readonly<Record<string, string>>;

const never = () => () => undefined;
const NO_DRAFT: FormDraftOptions = { name: undefined };

export function useForm<Body>({ check, toBody, submit, draft: draftOptions = NO_DRAFT }: FormOptions<Body>): Form {
  const ref = useRef<HTMLFormElement>(null);
  const busy = useRef(false);
  const [pending, setPending] = useState(false);
  const [problems, setProblems] = useState<Problems>({});
  const [failure, setFailure] = useState<RequestError>();
  /** Increased by each attempt that finds problems. */
  const [attempts, setAttempts] = useState(0);
  const draft = useFormDraft(ref, draftOptions);
  const ready = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );

  // Focuses the first invalid field in document order, after it is marked as invalid.
  useEffect(() => {
    if (attempts > 0) ref.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [attempts]);

  const showError = (error: unknown) => {
    const problem = toRequestError(error);
    setProblems(problem.fields);
    setAttempts((count) => count + 1);
    const named = Object.keys(problem.fields).some((field) => isShown(ref.current, field));
    setFailure(named ? undefined : problem);
  };

  const onSubmit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    // React events of portals bubble to the React parent: the form around a dialog must not be submitted.
    event.stopPropagation();
    if (busy.current) return;
    const body = toBody(readFields(event.currentTarget));
    setFailure(undefined);
    busy.current = true;
    setPending(true);
    draft.onSubmit();
    try {
      const checked = await check.run(body);
      setProblems({});
      if (checked.ok) {
        await submit(checked.value);
        draft.onSaved();
      } else showError(new RequestError({ code: "fields_invalid", status: 400, requestId: undefined, ...checked }));
    } catch (error) {
      showError(error);
    } finally {
      busy.current = false;
      setPending(false);
    }
  };

  // The body of the latest rendering, because an input event can change state that it is made from.
  const latest = useRef({ problems, check, toBody });
  latest.current = { problems, check, toBody };
  /** Removes the problems that no longer exist. New ones are shown on submit, not while the user is typing. */
  const recheck = async (edited: string | undefined) => {
    if (!ref.current || Object.keys(latest.current.problems).length === 0) return;
    const checked = await latest.current.check.run(latest.current.toBody(readFields(ref.current)));
    const found: Problems = checked.ok ? {} : checked.fields;
    // A problem that the server has found in an edited field may no longer be true.
    const isStale = (path: string) => edited === undefined || path === edited || path.startsWith(`${edited}.`);
    setProblems((shown) =>
      Object.fromEntries(
        Object.entries(shown).flatMap(([path, text]) => (found[path] ? [[path, found[path]]] : isStale(path) ? [] : [[path, text]])),
      ),
    );
  };
  const onInput = ({ target }: FormEvent<HTMLFormElement>) => {
    const field = "name" in target && typeof target.name === "string" && target.name !== "" ? target.name : undefined;
    draft.onInput(field);
    // After the rendering that the event causes.
    setTimeout(() => void recheck(field).catch(() => undefined));
  };

  const problemOf = (field: string) => problems[field] ?? Object.entries(problems).find(([path]) => path.startsWith(`${field}.`))?.[1];
  return {
    props: { ref, noValidate: true, method: "post", onSubmit, onFocus: check.prepare, onInput },
    problemOf,
    failure,
    pending,
    ready,
    draft,
  };
}

function readFields(form: HTMLFormElement): Readonly<Record<string, string>> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
}

/** True if the form has a control for the field. */
function isShown(form: HTMLFormElement | null, field: string): boolean {
  return form?.elements.namedItem(field.split(".")[0] ?? field) != null;
}
