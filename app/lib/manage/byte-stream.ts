/** Turns pieces into a body that is read at the client's pace, with only one piece in memory. */

/** Larger pieces are split, so that their memory is freed as the client reads them. */
const CHUNK_BYTES = 64 * 1024;

/** Encodes text as UTF-8. If the client disconnects, the source is ended. */
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
