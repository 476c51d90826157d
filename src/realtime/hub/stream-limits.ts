/** Limits the open streams, and those that are being opened, per process, account, key and address (W21). */
import { toNetwork } from "@/src/core/access/client-network";
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

export function createStreamLimits({ total, perAccount, perKey, perAddress }: StreamLimitsConfig): StreamLimits {
  const [byAccount, byKey, byNetwork] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  let open = 0;

  function refuse(what: string, limit: number): never {
    throw new AppError("too_many_streams", {
      detail: `Too many open streams: the limit for ${what} is ${limit}. Close some, then connect again.`,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }

  return {
    take: ({ ownerId, keyId, address }) => {
      const network = toNetwork(address);
      if (isFull(open, total)) refuse("this server", total);
      if (isFull(byAccount.get(ownerId) ?? 0, perAccount)) refuse("this account", perAccount);
      if (isFull(byKey.get(keyId) ?? 0, perKey)) refuse("this key", perKey);
      if (isFull(byNetwork.get(network) ?? 0, perAddress)) refuse("this address", perAddress);
      open += 1;
      add(byAccount, ownerId, 1);
      add(byKey, keyId, 1);
      add(byNetwork, network, 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        open -= 1;
        add(byAccount, ownerId, -1);
        add(byKey, keyId, -1);
        add(byNetwork, network, -1);
      };
    },
  };
}

const RETRY_AFTER_SECONDS = 10;

function isFull(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

function add(counts: Map<string, number>, id: string, change: number): void {
  const count = (counts.get(id) ?? 0) + change;
  if (count > 0) counts.set(id, count);
  else counts.delete(id);
}
