/**
 * Runs an action for a button: one run at a time, with its failure kept for display. Not TanStack Query's `useMutation`, which allows runs to
 * overlap and reports errors of any type.
 */
"use client";

import { useRef, useState } from "react";
import { type RequestError, toRequestError } from "../api/request-error";

export interface Action<Value> {
  run: (value: Value) => void;
  pending: boolean;
  failure: RequestError | undefined;
  /** Clears the failure. */
  reset: () => void;
}

export function useAction<Value = void>(act: (value: Value) => Promise<unknown>): Action<Value> {
  const busy = useRef(false);
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<RequestError>();
  const run = async (value: Value) => {
    if (busy.current) return;
    busy.current = true;
    setPending(true);
    setFailure(undefined);
    try {
      await act(value);
    } catch (error) {
      setFailure(toRequestError(error));
    } finally {
      busy.current = false;
      setPending(false);
    }
  };
  return { run: (value) => void run(value), pending, failure, reset: () => setFailure(undefined) };
}
