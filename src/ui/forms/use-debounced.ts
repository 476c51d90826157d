/** Delays a value until it has stopped changing, for example while the user types. */
"use client";

import { useEffect, useState } from "react";

/** Returns `value` after it has not changed for `ms` milliseconds. Values are compared as JSON. */
export function useDebounced<Value>(value: Value, ms: number): Value {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key identifies the value
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [key, ms]);
  return settled;
}
