/** A stream format for tests: messages with cursors, and an upload as one message, as in server-sent events (W12, W16). */
import { toTextFrame } from "@/src/realtime/wire/encode";
import { CURSOR_FRAMES, type StreamFormat } from "@/src/realtime/wire/stream-format";
import { formatCursor } from "@/src/shared/streams/cursor";
import { readTexts } from "../clients/read-frames";

export const JOINED_FRAMES: StreamFormat = {
  ...CURSOR_FRAMES,
  joinsUploads: true,
  change: (encoded, epoch) => {
    const [text = ""] = readTexts(encoded.plain());
    return toTextFrame(JSON.stringify({ ...JSON.parse(text), cursor: formatCursor({ epoch, seq: encoded.change.seq }) }));
  },
};
