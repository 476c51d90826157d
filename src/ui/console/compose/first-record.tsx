/** Shown instead of the list until the first record is stored: a command to paste, and a button that sends a test record. */
"use client";

import { useState } from "react";
import { Button } from "../../components/button";
import { CodeBlock } from "../../components/code-block";
import { type Target, toFirstCurl } from "../../snippets/snippets";
import { sendDraft } from "./send-record";

export function FirstRecord({ endpointId, target }: { endpointId: string; target: Target }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const send = () => {
    setBusy(true);
    setProblem(undefined);
    sendDraft(endpointId, {
      method: "POST",
      recordId: "",
      strategy: "force",
      format: "json",
      body: JSON.stringify({ hello: "world", sentAt: new Date().toISOString() }),
    })
      .catch((error: Error) => setProblem(error.message))
      .finally(() => setBusy(false));
  };
  return (
    <div className="flex flex-1 flex-col items-center overflow-y-auto px-4 pt-[12vh] pb-6">
      <div className="flex w-full max-w-[38rem] flex-col gap-4">
        <div>
          <h2 className="text-title font-semibold">Waiting for the first record</h2>
          <p className="pt-1 text-prose text-muted">Paste this into a terminal. The record will appear here immediately.</p>
        </div>
        <CodeBlock code={toFirstCurl(target)} what="the curl command" />
        <p className="text-prose text-muted">Or send one from here.</p>
        <div className="flex flex-wrap items-center gap-3">
          <Button tone="primary" busy={busy} onClick={send}>
            Send test record
          </Button>
          {problem ? (
            <p role="alert" className="text-delete">
              {problem}
            </p>
          ) : null}
        </div>
      </div>
    </div>
  );
}
