/** Turns pieces into a body that is read as the client takes it, with no more than the piece at hand in memory. */

/** Larger pieces are split, so that what the client has taken is given back to the memory. */
const CHUNK_BYTES = 64 * 1024;

/** Text becomes UTF-8. When the client goes away, the source is told to end. */
export function toByteStream(pieces: AsyncIterable<string | Uint8Array>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const iterator = pieces[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  return new ReadableStream({
    async pull(controller) {
      while (rest.byteLength === 0) {
        const next = await iterator.next();
        if (next.done) return controller.close();
        rest = typeof next.value === "string" ? encoder.encode(next.value) : next.value;
      }
      controller.enqueue(rest.subarray(0, CHUNK_BYTES));
      rest = rest.subarray(CHUNK_BYTES);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
