/** A form that is checked when sent: by its schema first, then by the server; problems go beside fields. It must not hold the fields' values. */
"use client";

import { type FormEvent, type RefObject, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { RequestError, toRequestError } from "../api/request-error";

/** What a body is checked by. */
export interface BodyCheck<Body> {
  /** Called when the form gets the focus: gets ready what `run` needs. */
  prepare: () => void;
  run: (body: unknown) => Promise<CheckedForm<Body>>;
}

/** `detail` is for problems that no field shows. */
export type CheckedForm<Body> = { ok: true; value: Body } | { ok: false; fields: Readonly<Record<string, string>>; detail: string };

export interface FormOptions<Body> {
  check: BodyCheck<Body>;
  /** What is checked, made of the named fields (texts) and whatever else the form holds. */
  toBody: (fields: Readonly<Record<string, string>>) => unknown;
  /** Sends the checked body. What it raises is shown: `fields` beside the fields, else the message above the buttons. */
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
  /** What is wrong with a field, or with a part of it (`allowedOrigins.1`). */
  problemOf: (field: string) => string | undefined;
  /** What is wrong, when no field of the form is to blame. */
  failure: RequestError | undefined;
  pending: boolean;
  /** False until the page's code runs: sending earlier would post to nowhere. */
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

  // The first field with a problem, in the order of the page, once it wears the mark.
  useEffect(() => {
    if (Object.keys(problems).length > 0) ref.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [problems]);

  const refuse = (error: unknown) => {
    const problem = toRequestError(error);
    setProblems(problem.fields);
    const named = Object.keys(problem.fields).some((field) => isShown(ref.current, field));
    setFailure(named ? undefined : problem);
  };

  const onSubmit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    // Portals hand events to the React parent: a dialog's form is not the form around it.
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
      else refuse(new RequestError({ code: "fields_invalid", status: 400, requestId: undefined, ...checked }));
    } catch (error) {
      refuse(error);
    } finally {
      busy.current = false;
      setPending(false);
    }
  };

  const problemOf = (field: string) => problems[field] ?? Object.entries(problems).find(([path]) => path.startsWith(`${field}.`))?.[1];
  return { props: { ref, noValidate: true, method: "post", onSubmit, onFocus: check.prepare }, problemOf, failure, pending, ready };
}

/** True when the form has a control that shows the field's problem. */
function isShown(form: HTMLFormElement | null, field: string): boolean {
  return form?.elements.namedItem(field.split(".")[0] ?? field) != null;
}
