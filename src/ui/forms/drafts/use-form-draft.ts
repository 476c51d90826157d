/** The unsaved changes of a form whose values are in the DOM, and of the state beside them. Passwords are left out. */
"use client";

import { type RefObject, useEffect, useRef, useState } from "react";
import type { DraftDifference } from "./draft-conflict";
import { useDraft } from "./use-draft";

export interface FormDraftOptions {
  /** Names the object, like `endpoint-settings/<id>`. Undefined: nothing is kept. */
  name: string | undefined;
  /**
   * The state of the form outside of its fields, such as switches. Compared and stored as JSON. Saving must set it back to what it was at first, so
   * give differences to what is stored.
   */
  state?: unknown;
  /** Everything is in `state`. */
  isStateOnly?: boolean;
  /** Called with the stored state, and with undefined when the changes are discarded. Must check what it gets. */
  restore?: (state: unknown) => void;
}

export interface FormDraft {
  restoredAtMs: number | undefined;
  /** The fields that someone else has changed as well since. */
  differences: readonly DraftDifference[];
  keepMine: () => void;
  /** Sets the form back to what is stored. */
  discard: () => void;
}

type Fields = Readonly<Record<string, string>>;
interface Stored {
  fields: Fields;
  /** The fields before the changes. */
  base: Fields;
  state: unknown;
}

const NOTHING: readonly DraftDifference[] = [];
const OFF = "off";

export interface FormDraftControl extends FormDraft {
  /** Call after an input event of the form. */
  onInput: (field: string | undefined) => void;
  onSubmit: () => void;
  onSaved: () => void;
}

export function useFormDraft(
  ref: RefObject<HTMLFormElement | null>,
  { name, state, restore, isStateOnly = false }: FormDraftOptions,
): FormDraftControl {
  const draft = useDraft({ name: name ?? OFF, parse: parseStored });
  const [differences, setDifferences] = useState(NOTHING);
  /** The form without unsaved changes. */
  const initial = useRef<{ fields: Fields; state: string }>(undefined);
  const sent = useRef<Fields>(undefined);
  const isRestoring = useRef(false);
  const editedSince = useRef(new Set<string>());
  const stateText = JSON.stringify(state ?? null);
  const latest = useRef({ draft, state, stateText, restore });
  latest.current = { draft, state, stateText, restore };

  const readAll = (): Fields => (ref.current && !isStateOnly ? readFields(ref.current) : {});

  const record = () => {
    if (name === undefined || !initial.current || !ref.current || isRestoring.current) return;
    const { draft, state, stateText } = latest.current;
    const fields = readAll();
    if (stateText === initial.current.state && isSame(fields, initial.current.fields)) return draft.clear();
    draft.set({ fields, base: initial.current.fields, state });
  };

  const { restoredAtMs, value } = draft;
  // Restores once, after hydration.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only the first draft is restored; later ones come from this form
  useEffect(() => {
    if (!ref.current || name === undefined) return;
    initial.current ??= { fields: readAll(), state: stateText };
    if (restoredAtMs === undefined || !value) return;
    isRestoring.current = true;
    latest.current.restore?.(value.state);
    // After the rendering of the state, which can show more fields.
    const timer = setTimeout(() => {
      if (ref.current) setDifferences(restoreFields(ref.current, value, initial.current?.fields ?? {}));
      isRestoring.current = false;
    });
    return () => clearTimeout(timer);
  }, [restoredAtMs !== undefined]);

  const recordedState = useRef(stateText);
  // biome-ignore lint/correctness/useExhaustiveDependencies: record reads the latest values
  useEffect(() => {
    // Not at first: a draft that is there has not been restored yet.
    if (recordedState.current !== stateText) record();
    recordedState.current = stateText;
  }, [stateText]);

  return {
    restoredAtMs,
    differences,
    keepMine: () => setDifferences(NOTHING),
    discard: () => {
      const form = ref.current;
      if (form && initial.current) for (const [field, text] of Object.entries(initial.current.fields)) writeField(form, field, text);
      restore?.(undefined);
      setDifferences(NOTHING);
      draft.clear();
    },
    onInput: (field) => {
      if (field !== undefined) editedSince.current.add(field);
      record();
    },
    onSubmit: () => {
      editedSince.current.clear();
      sent.current = readAll();
    },
    onSaved: () => {
      setDifferences(NOTHING);
      draft.clear();
      if (!ref.current || !initial.current) return;
      const edited = Object.entries(sent.current ?? {}).filter(([field]) => editedSince.current.has(field));
      // Text that was typed while the form was sent is unsaved.
      initial.current = { ...initial.current, fields: { ...readAll(), ...Object.fromEntries(edited) } };
      if (edited.length > 0) record();
    },
  };
}

/** Writes the fields that were changed. Returns those that someone else has changed as well. */
function restoreFields(form: HTMLFormElement, { fields, base }: Stored, current: Fields): DraftDifference[] {
  return Object.entries(fields).flatMap(([field, mine]) => {
    const before = base[field] ?? "";
    if (mine === before) return [];
    writeField(form, field, mine);
    const theirs = current[field] ?? before;
    return theirs === before || theirs === mine ? [] : [{ label: toLabel(form, field), before, mine, theirs }];
  });
}

function isSame(one: Fields, other: Fields): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

type TextControl = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
const LEFT_OUT: ReadonlySet<string> = new Set([
  "password",
  "hidden",
  "checkbox",
  "radio",
  "file",
  "submit",
  "button",
  "reset",
  "fieldset",
  "output",
]);

function isTextControl(element: Element | RadioNodeList | null): element is TextControl {
  return (
    (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement) &&
    element.name !== "" &&
    !LEFT_OUT.has(element.type)
  );
}

function readFields(form: HTMLFormElement): Fields {
  return Object.fromEntries([...form.elements].filter(isTextControl).map(({ name, value }) => [name, value]));
}

/** Sets a value as typing does, so that controlled fields receive it too. */
function writeField(form: HTMLFormElement, field: string, text: string): void {
  const control = form.elements.namedItem(field);
  if (!isTextControl(control) || control.value === text) return;
  // React overrides the property of the element itself to notice changes.
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(control), "value")?.set?.call(control, text);
  control.dispatchEvent(new Event("input", { bubbles: true }));
}

function toLabel(form: HTMLFormElement, field: string): string {
  const control = form.elements.namedItem(field);
  return (isTextControl(control) ? control.labels?.[0]?.textContent : undefined) ?? field;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && Object.values(value).every((text) => typeof text === "string");
}

function parseStored(value: unknown): Stored | undefined {
  if (typeof value !== "object" || value === null || !("fields" in value) || !("base" in value)) return undefined;
  const { fields, base } = value;
  return isFields(fields) && isFields(base) ? { fields, base, state: "state" in value ? value.state : undefined } : undefined;
}
