/** Reads the bytes that are to be stored, and stops when they are given up. It must not wait for a source that has nothing to give. */

/**
 * The bytes, until `signal` aborts: then raises its reason at once, and leaves the source to end by itself. `onFailure` hears what the source, or the signal, raised:
 * not every reader passes it on.
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
    // Not awaited: it waits for what the source is doing.
    iterator.return?.().catch(() => undefined);
  }
}
