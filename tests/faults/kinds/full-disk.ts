/** A full disk: writes and uploads fail with errors, and succeed again when there is space. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { until } from "@/tests/support/until";
import { type Fault, RECOVERY_TIMEOUT_MS, type Scene } from "../fault";
import { canMount } from "./small-disk";

const FREE_BYTES = 1024 * 1024;
const PAD_BYTES = 64 * 1024;
const FILE_BYTES = 512 * 1024;
/** The uploads that are acknowledged before the fault, and again after it. */
const UPLOADS = 3;

interface Uploaded {
  recordId: string;
  sha256: string;
}

export const fullDisk: Fault = {
  name: "full-disk",
  title: "the data folder's disk is full, then has space again",
  needs: { smallDisk: true },
  obstacle: () => (isMountPossible() ? undefined : "this user may not mount a file system"),
  load: { paceMs: 5, padBytes: 100 },
  writesAround: 60,
  inject: async (scene) => {
    const { deployment, writers, ledger } = scene;
    const uploads: Uploaded[] = [];
    const uploadMore = async () => {
      const goal = uploads.length + UPLOADS;
      await until("uploads", async () => uploads.length >= goal || void (await upload(scene, uploads)), { timeoutMs: RECOVERY_TIMEOUT_MS });
    };
    await uploadMore();
    deployment.disk?.leave(FREE_BYTES);
    writers.load.padBytes = PAD_BYTES;
    const failedBefore = ledger.failures;
    let failedUploads = 0;
    await until(
      "the disk to be full",
      async () => {
        if (!(await upload(scene, uploads))) failedUploads++;
        return failedUploads > 0 && ledger.failures > failedBefore;
      },
      { timeoutMs: RECOVERY_TIMEOUT_MS },
    );
    writers.load.padBytes = fullDisk.load.padBytes;
    deployment.disk?.grow();
    const endedAt = performance.now();
    await uploadMore();
    return { endedAt, check: () => checkFiles(scene, uploads) };
  },
};

/** Uploads a file of random bytes. True: the upload was acknowledged and recorded. */
async function upload({ deployment, ledger, targets: { open } }: Scene, uploads: Uploaded[]): Promise<boolean> {
  const bytes = randomBytes(FILE_BYTES);
  const id = randomUUID();
  const attempt = ledger.add({ id, type: "POST", endpointId: open.endpointId, recordId: undefined, data: "", sentAt: performance.now() });
  const form = new FormData();
  form.append("id", id);
  form.append("file", new Blob([bytes]), "random.bin");
  const response = await fetch(`${deployment.nodes[0].origin}${open.path}`, { method: "POST", body: form }).catch(() => undefined);
  const answer = (await response?.json().catch(() => undefined)) as { uniqueId?: string; retryable?: boolean; code?: string } | undefined;
  if (response?.status !== 201 || answer?.uniqueId === undefined) {
    if (answer !== undefined && answer.retryable !== true) ledger.refusals.push(`an upload failed with ${answer.code}`);
    return false;
  }
  attempt.recordId = answer.uniqueId;
  ledger.acknowledge(attempt, 0);
  uploads.push({ recordId: answer.uniqueId, sha256: createHash("sha256").update(bytes).digest("hex") });
  return true;
}

/** Every acknowledged file is stored as it was sent. */
async function checkFiles({ deployment, targets: { open } }: Scene, uploads: readonly Uploaded[]): Promise<string[]> {
  const problems: string[] = [];
  for (const { recordId, sha256 } of uploads) {
    const response = await fetch(`${deployment.nodes[1].origin}${open.path}&uniqueId=${recordId}&fileOnly=true`);
    const found = createHash("sha256")
      .update(new Uint8Array(await response.arrayBuffer()))
      .digest("hex");
    if (!response.ok || found !== sha256) problems.push(`the file of record ${recordId} is not as it was uploaded (${response.status})`);
  }
  return problems;
}

function isMountPossible(): boolean {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rested-faults-"));
  try {
    return canMount(dir);
  } finally {
    fs.rmdirSync(dir);
  }
}
