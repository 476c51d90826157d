/** Reads the bytes of an upload, and stops as soon as the upload is given up, even if its source does not respond. */

/**
 * Yields the bytes until `signal` aborts; then throws its reason at once, without waiting for the source to end. `onFailure` is called with the error of the source
 * or the signal, because not every reader passes it on.
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
    // Not awaited, because the source may be waiting itself.
    iterator.return?.().catch(() => undefined);
  }
}
