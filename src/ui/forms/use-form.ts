/** A form that is checked on submit, first by a schema and then by the server. Problems are shown at the fields, whose values stay in the DOM. */
"use client";

import { type FormEvent, type RefObject, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { RequestError, toRequestError } from "../api/request-error";

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
}

export interface Form {
  /** For `<form {...form.props}>`. */
  props: {
    ref: RefObject<HTMLFormElement | null>;
    noValidate: true;
    method: "post";
    onSubmit: (event: FormEvent<HTMLFormElement>) => void;
    onFocus: () => void;
  };
  /** The problem of a field, or of a part of it (`allowedOrigins.1`). */
  problemOf: (field: string) => string | undefined;
  /** The error, if it concerns no field of the form. */
  failure: RequestError | undefined;
  pending: boolean;
  /** False until hydration. Before that, the browser would submit the form itself. */
  ready: boolean;
}

const never = () => () => undefined;

export function useForm<Body>({ check, toBody, submit }: FormOptions<Body>): Form {
  const ref = useRef<HTMLFormElement>(null);
  const busy = useRef(false);
  const [pending, setPending] = useState(false);
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [failure, setFailure] = useState<RequestError>();
  const ready = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );

  // Focuses the first invalid field in document order, after it is marked as invalid.
  useEffect(() => {
    if (Object.keys(problems).length > 0) ref.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [problems]);

  const showError = (error: unknown) => {
    const problem = toRequestError(error);
    setProblems(problem.fields);
    const named = Object.keys(problem.fields).some((field) => isShown(ref.current, field));
    setFailure(named ? undefined : problem);
  };

  const onSubmit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    // React events of portals bubble to the React parent: the form around a dialog must not be submitted.
    event.stopPropagation();
    if (busy.current) return;
    const fields = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]));
    const body = toBody(fields);
    setFailure(undefined);
    busy.current = true;
    setPending(true);
    try {
      const checked = await check.run(body);
      setProblems({});
      if (checked.ok) await submit(checked.value);
      else showError(new RequestError({ code: "fields_invalid", status: 400, requestId: undefined, ...checked }));
    } catch (error) {
      showError(error);
    } finally {
      busy.current = false;
      setPending(false);
    }
  };

  const problemOf = (field: string) => problems[field] ?? Object.entries(problems).find(([path]) => path.startsWith(`${field}.`))?.[1];
  return { props: { ref, noValidate: true, method: "post", onSubmit, onFocus: check.prepare }, problemOf, failure, pending, ready };
}

/** True if the form has a control for the field. */
function isShown(form: HTMLFormElement | null, field: string): boolean {
  return form?.elements.namedItem(field.split(".")[0] ?? field) != null;
}
