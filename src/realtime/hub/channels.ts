/** The endpoints with open streams: each has a log tailer, and a feed for each filter. They exist while a stream needs them. */
import type { ChangeLog } from "@/src/core/streams/ports";
import { AppError } from "@/src/shared/errors";
import { createFilteredFeed, type FeedListener, type FilteredFeed } from "../filters/filtered-feed";
import type { StreamReads } from "../filters/filtered-reads";
import type { RecordFilter } from "../filters/record-filter";
import { createSharedFilter, type SharedFilter } from "../filters/shared-filter";
import { createLogTailer, type LogTailer } from "../log/log-tailer";

/** A source that delivers changes to a stream: a log tailer, or a filter's feed. Add the stream in the same turn of the event loop in which you get the source. */
export interface ChangeSource extends Pick<LogTailer, "position"> {
  /** How its streams read the log before they are live. Undefined: each stream reads on its own. */
  readonly reads?: StreamReads;
  add(listener: FeedListener): void;
  remove(listener: FeedListener): void;
}

/** One filter, shared by all streams with the same view. */
interface Shared {
  filter: SharedFilter;
  feed: FilteredFeed;
}

/** Every change is evaluated once for each filter. */
const FILTERS_MAX = 1_000;

/** The changes of one endpoint. */
export interface Channel {
  readonly tailer: LogTailer;
  /** Streams with the same view (`onlyOwner`, and what `reads` sees by that) and the same filter share a source. */
  source(view: { onlyOwner: string | undefined; filter: RecordFilter | undefined; reads: StreamReads }): ChangeSource;
  /** Whether a stream has this filter, which is then known to be valid. */
  hasFilter(expression: string): boolean;
  /** Throws `too_many_streams` if the filter would exceed the limit of filters on all changes. Filters on one user's changes do not count. */
  requireRoom(view: { onlyOwner: string | undefined; expression: string }): void;
  /** The number of streams. */
  listenerCount(): number;
  /** Continues the feeds that had to wait. */
  resume(): void;
}

export interface Channels {
  get(endpointId: string): Channel | undefined;
  entries(): [endpointId: string, channel: Channel][];
  /** Returns the endpoint's channel, and keeps it until it is released and has no listeners. Match each call with one of `release`. */
  hold(endpointId: string): Channel;
  release(endpointId: string): void;
  /** Call this after a listener was removed. */
  dropIfUnused(endpointId: string): void;
}

/** `queueBytesMax` is the limit of one stream's queue. `onReadError` gets the errors that keep a feed waiting. */
export function createChannels(options: {
  changes: Pick<ChangeLog, "read">;
  queueBytesMax: number;
  onReadError: (error: unknown) => void;
}): Channels {
  const channels = new Map<string, Channel>();
  /** The number of streams that are being opened, by endpoint. Their channels must stay. */
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
  /** The number of feeds with the filter, whatever they may read. */
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
