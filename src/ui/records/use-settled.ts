/** A value once it has stopped changing: for what is typed, and then asked for. */
"use client";

import { useEffect, useState } from "react";

/** `value` after it has been the same for so many milliseconds. Compared as JSON, so a new object of the same content changes nothing. */
export function useSettled<Value>(value: Value, ms: number): Value {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says all of the value
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [key, ms]);
  return settled;
}
