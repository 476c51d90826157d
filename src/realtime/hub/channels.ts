/** The endpoints with open streams: a tailer for each, and a feed for each filter on it. They are there while somebody needs them. It must not know sessions. */
import type { ChangeLog } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import { createFilteredFeed, type FeedListener, type FilteredFeed } from "../filters/filtered-feed";
import type { StreamReads } from "../filters/filtered-reads";
import type { RecordFilter } from "../filters/record-filter";
import { createSharedFilter, type SharedFilter } from "../filters/shared-filter";
import { createLogTailer, type LogTailer } from "../log/log-tailer";

/** Where a stream hears of changes: from a tailer, or through a filter. Added in the turn in which it was asked for. */
export interface ChangeSource extends Pick<LogTailer, "position"> {
  /** What its streams read for themselves before they are live; absent: each reads on its own. */
  readonly reads?: StreamReads;
  add(listener: FeedListener): void;
  remove(listener: FeedListener): void;
}

/** One filter of all streams of one view. */
interface Shared {
  filter: SharedFilter;
  feed: FilteredFeed;
}

/** Each of them costs every change an evaluation. */
const FILTERS_MAX = 1_000;

/** One endpoint's changes. */
export interface Channel {
  readonly tailer: LogTailer;
  /** For streams of one view (`onlyOwner`, and what `reads` sees by that) and one filter there is one. */
  source(view: { onlyOwner: string | undefined; filter: RecordFilter | undefined; reads: StreamReads }): ChangeSource;
  /** Whether a stream has this filter: then it can be parsed. */
  hasFilter(expression: string): boolean;
  /** Raises `too_many_streams` where one more filter on everybody's changes would be too many. Those on a user's own cost no more than that user's. */
  requireRoom(view: { onlyOwner: string | undefined; expression: string }): void;
  /** Of streams. */
  listenerCount(): number;
  /** Goes on where feeds had to wait. */
  resume(): void;
}

export interface Channels {
  get(endpointId: string): Channel | undefined;
  entries(): [endpointId: string, channel: Channel][];
  /** The endpoint's channel, which stays until it is released, and as long as it has listeners. Every call asks for one of `release`. */
  hold(endpointId: string): Channel;
  release(endpointId: string): void;
  /** Call it when a listener was removed. */
  dropIfUnused(endpointId: string): void;
}

/** `queueBytesMax`: what one stream may have waiting. `onReadError` hears what keeps a feed waiting. */
export function createChannels(options: {
  changes: Pick<ChangeLog, "read">;
  queueBytesMax: number;
  onReadError: (error: unknown) => void;
}): Channels {
  const channels = new Map<string, Channel>();
  /** Streams that are being opened, by endpoint: their channel must stay. */
  const held = new Map<string, number>();

  function dropIfUnused(endpointId: string): void {
    const channel = channels.get(endpointId);
    if (!channel || channel.tailer.listenerCount() > 0 || held.has(endpointId)) return;
    channel.tailer.close();
    channels.delete(endpointId);
  }

  return {
    get: (endpointId) => channels.get(endpointId),
    entries: () => [...channels],
    hold: (endpointId) => {
      held.set(endpointId, (held.get(endpointId) ?? 0) + 1);
      const channel = channels.get(endpointId) ?? createChannel({ ...options, endpointId });
      channels.set(endpointId, channel);
      return channel;
    },
    release: (endpointId) => {
      const count = (held.get(endpointId) ?? 0) - 1;
      if (count > 0) held.set(endpointId, count);
      else held.delete(endpointId);
      dropIfUnused(endpointId);
    },
    dropIfUnused,
  };
}

function createChannel(options: {
  endpointId: string;
  changes: Pick<ChangeLog, "read">;
  queueBytesMax: number;
  onReadError: (error: unknown) => void;
}): Channel {
  const { endpointId, changes, queueBytesMax, onReadError } = options;
  const sliceBytes = queueBytesMax / 4;
  const tailer = createLogTailer({ endpointId, changes, sliceBytes });
  const feeds = new Map<string, Shared>();
  /** How many have the filter, whatever they may read. */
  const filters = new Map<string, number>();

  function sourceOf(key: string, filter: RecordFilter, shared: Shared): ChangeSource {
    const { expression } = filter;
    const { feed } = shared;
    return {
      reads: feed.reads,
      position: () => feed.position(),
      add: (listener) => {
        if (feed.listenerCount() === 0) {
          feeds.set(key, shared);
          filters.set(expression, (filters.get(expression) ?? 0) + 1);
          tailer.add(feed);
        }
        shared.filter.add(filter);
        feed.add(listener);
      },
      remove: (listener) => {
        shared.filter.remove(filter);
        feed.remove(listener);
        if (feed.listenerCount() > 0 || feeds.get(key) !== shared) return;
        tailer.remove(feed);
        feed.close();
        feeds.delete(key);
        const left = (filters.get(expression) ?? 0) - 1;
        if (left > 0) filters.set(expression, left);
        else filters.delete(expression);
      },
    };
  }

  function createShared({
    onlyOwner,
    expression,
    reads,
  }: {
    onlyOwner: string | undefined;
    expression: string;
    reads: StreamReads;
  }): Shared {
    const filter = createSharedFilter(expression);
    const pendingBytesMax = queueBytesMax;
    return { filter, feed: createFilteredFeed({ endpointId, onlyOwner, tailer, reads, filter, pendingBytesMax, sliceBytes, onReadError }) };
  }

  return {
    tailer,
    source: ({ onlyOwner, filter, reads }) => {
      if (filter === undefined) return tailer;
      const { expression } = filter;
      const key = toKey(onlyOwner, expression);
      return sourceOf(key, filter, feeds.get(key) ?? createShared({ onlyOwner, expression, reads }));
    },
    hasFilter: (expression) => filters.has(expression),
    requireRoom: ({ onlyOwner, expression }) => {
      if (onlyOwner !== undefined || feeds.has(toKey(undefined, expression))) return;
      const count = [...feeds.values()].filter(({ feed }) => feed.onlyOwner === undefined).length;
      if (count < FILTERS_MAX) return;
      const detail = `${FILTERS_MAX.toLocaleString("en")} different filters are in use at this endpoint. Use one of them, or another endpoint.`;
      throw new AppError("too_many_streams", { detail });
    },
    listenerCount: () => [...feeds.values()].reduce((sum, { feed }) => sum + feed.listenerCount() - 1, tailer.listenerCount()),
    resume: () => {
      for (const { feed } of feeds.values()) feed.resume();
    },
  };
}

function toKey(onlyOwner: string | undefined, expression: string): string {
  return `${onlyOwner ?? ""} ${expression}`;
}
