/** Reads the bytes of an upload. An abort ends the reading at once, even if the source does not respond. */

/**
 * Yields the bytes. If `signal` aborts, throws its reason at once, without waiting for the source. `onFailure` is called with the error of the source or the
 * abort reason, because some readers do not pass it on.
 */
export async function* readSource({
  bytes,
  signal,
  onFailure = () => undefined,
}: {
  bytes: AsyncIterable<Uint8Array>;
  signal: AbortSignal;
  onFailure?: (error: unknown) => void;
}): AsyncGenerator<Uint8Array, void> {
  const iterator = bytes[Symbol.asyncIterator]();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
  });
  aborted.catch(() => undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const next = (): Promise<IteratorResult<Uint8Array>> =>
    Promise.race([aborted, iterator.next()]).catch((error: unknown) => {
      onFailure(error);
      throw error;
    });
  try {
    for (let step = await next(); !step.done; step = await next()) yield step.value;
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not awaited, because a source that does not respond would block the reader.
    iterator.return?.().catch(() => undefined);
  }
}
