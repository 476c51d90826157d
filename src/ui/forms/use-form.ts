/** A form that is checked when sent: by its schema first, then by the server; problems go beside fields. It must not hold the fields' values. */
"use client";

import { type FormEvent, type RefObject, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type * as z from "zod/mini";
import { checkBody, WHOLE_BODY } from "@/src/shared/field-problems";
import { RequestError, toRequestError } from "../api/request-error";

export interface FormOptions<Schema extends z.ZodMiniType> {
  schema: Schema;
  /** What the schema checks, made of the named fields (texts) and whatever else the form holds. */
  toBody: (fields: Readonly<Record<string, string>>) => unknown;
  /** Sends the checked body. What it raises is shown: `fields` beside the fields, else the message above the buttons. */
  submit: (body: z.output<Schema>) => Promise<unknown>;
}

export interface Form {
  /** For `<form {...form.props}>`. */
  props: {
    ref: RefObject<HTMLFormElement | null>;
    noValidate: true;
    method: "post";
    onSubmit: (event: FormEvent<HTMLFormElement>) => void;
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

export function useForm<Schema extends z.ZodMiniType>({ schema, toBody, submit }: FormOptions<Schema>): Form {
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
    const checked = checkBody(schema, toBody(fields));
    setFailure(undefined);
    if (!checked.ok) {
      refuse(
        new RequestError({
          code: "fields_invalid",
          status: 400,
          requestId: undefined,
          detail: toText(checked.fields),
          fields: checked.fields,
        }),
      );
      return;
    }
    setProblems({});
    busy.current = true;
    setPending(true);
    try {
      await submit(checked.value);
    } catch (error) {
      refuse(error);
    } finally {
      busy.current = false;
      setPending(false);
    }
  };

  const problemOf = (field: string) => problems[field] ?? Object.entries(problems).find(([path]) => path.startsWith(`${field}.`))?.[1];
  return { props: { ref, noValidate: true, method: "post", onSubmit }, problemOf, failure, pending, ready };
}

/** True when the form has a control that shows the field's problem. */
function isShown(form: HTMLFormElement | null, field: string): boolean {
  return form?.elements.namedItem(field.split(".")[0] ?? field) != null;
}

function toText(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([field, message]) => (field === WHOLE_BODY ? message : `${field}: ${message}`))
    .join(" ");
}
