/** Changes that go out together: what a stream gets of them is put together once, and shared. It must not know who gets it. */
import type { LogPosition } from "@/src/core/ports";
import type { EncodedChange } from "./encode";
import type { StreamFormat } from "./stream-format";

export interface ChangeBatch {
  /** At least one; ascending by seq. */
  readonly encoded: readonly EncodedChange[];
  /** Where the log was looked through to with them: the last one's place, or after it. */
  readonly position: LogPosition;
  /** All in one, as the format has them; undefined: none of them ends a message yet. */
  toBytes(format: StreamFormat): Buffer | undefined;
  /** Those at the end that are a part of an upload whose last change is still to come. */
  readonly begun: readonly EncodedChange[];
  /** The place of the last change before those; undefined: there is none. */
  readonly whole: LogPosition | undefined;
}

export function createChangeBatch(encoded: readonly EncodedChange[], position: LogPosition): ChangeBatch {
  const lastWhole = encoded.findLastIndex(({ change }) => change.following === undefined);
  const whole = encoded[lastWhole];
  /** There are few formats, and mostly one is asked for. */
  const bytes = new Map<StreamFormat, Buffer>();
  return {
    encoded,
    position,
    begun: encoded.slice(lastWhole + 1),
    whole: whole && (lastWhole === encoded.length - 1 ? position : { epoch: position.epoch, seq: whole.change.seq }),
    toBytes: (format) => {
      const known = bytes.get(format);
      if (known) return known;
      const messages = format.joinsUploads ? encoded.filter(({ change }) => change.following === undefined) : encoded;
      const frames = messages.map((each) => format.change(each, position.epoch));
      const [first] = frames;
      if (first === undefined) return undefined;
      const joined = frames.length === 1 ? first : Buffer.concat(frames);
      bytes.set(format, joined);
      return joined;
    },
  };
}
