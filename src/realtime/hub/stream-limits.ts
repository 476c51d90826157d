/** Limits the open streams, and those that are being opened, per server, account, key and address (W21). */
import { toNetwork } from "@/src/core/access/client-network";
import type { CountExchange, SharedGauge } from "@/src/core/limits/ports";
import { AppError } from "@/src/shared/errors";

/** The number of streams that can be open at once on one server; 0 means no limit. */
export interface StreamLimitsConfig {
  total: number;
  /** For all projects of an account together. */
  perAccount: number;
  perKey: number;
  perAddress: number;
}

export interface StreamLimits {
  /** Counts one more stream, and returns a function that releases it; later calls of that function do nothing. Throws `too_many_streams`, and then counts nothing. */
  take(stream: { ownerId: string; keyId: string; address: string }): () => void;
}

/** `exchange`: counts together with the other workers of this server. */
export function createStreamLimits(config: StreamLimitsConfig, { exchange }: { exchange?: CountExchange | undefined } = {}): StreamLimits {
  const { total, perAccount, perKey, perAddress } = config;
  const create = (name: string) => createCounter(exchange?.gauge(`streams by ${name}`));
  const [all, byAccount, byKey, byNetwork] = [create("server"), create("account"), create("key"), create("network")];

  function refuse(what: string, limit: number): never {
    throw new AppError("too_many_streams", {
      detail: `Too many open streams: the limit for ${what} is ${limit}. Close some, then connect again.`,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }

  return {
    take: ({ ownerId, keyId, address }) => {
      const network = toNetwork(address);
      if (isFull(all.count(""), total)) refuse("this server", total);
      if (isFull(byAccount.count(ownerId), perAccount)) refuse("this account", perAccount);
      if (isFull(byKey.count(keyId), perKey)) refuse("this key", perKey);
      if (isFull(byNetwork.count(network), perAddress)) refuse("this address", perAddress);
      const addAll = (change: number) => {
        all.add("", change);
        byAccount.add(ownerId, change);
        byKey.add(keyId, change);
        byNetwork.add(network, change);
      };
      addAll(1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        addAll(-1);
      };
    },
  };
}

const RETRY_AFTER_SECONDS = 10;

function isFull(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

interface Counter {
  /** The number in this process and in the others. */
  count(id: string): number;
  add(id: string, change: number): void;
}

function createCounter(shared: SharedGauge | undefined): Counter {
  const counts = new Map<string, number>();
  return {
    count: (id) => (counts.get(id) ?? 0) + (shared?.others(id) ?? 0),
    add: (id, change) => {
      const count = (counts.get(id) ?? 0) + change;
      if (count > 0) counts.set(id, count);
      else counts.delete(id);
      shared?.add(id, change);
    },
  };
}
