/** Asks for confirmation before a stream is closed. */
"use client";

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { ConnectionView } from "@/src/shared/management/schemas";
import { requestJson } from "../api/request";
import { RequestError } from "../api/request-error";
import { Button } from "../components/button";
import { Dialog, DialogActions } from "../components/overlay/dialog";
import { notify } from "../notifications/notify";
import { toClientName } from "../stream/stream-name";

export function DisconnectDialog({
  projectId,
  connection,
  onClose,
}: {
  projectId: string;
  connection: ConnectionView | null;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [failure, setFailure] = useState<string>();
  const [isEnding, setEnding] = useState(false);
  const close = () => {
    setFailure(undefined);
    onClose();
  };
  const end = async ({ id }: ConnectionView) => {
    setEnding(true);
    try {
      await requestJson(`connections/${id}`, { method: "DELETE" });
      notify("Disconnecting. The stream closes within a second.");
      close();
    } catch (error) {
      // The stream is already closed, which is what was requested.
      if (error instanceof RequestError && error.status === 404) close();
      else setFailure(error instanceof Error ? error.message : "Something went wrong.");
    } finally {
      setEnding(false);
      void client.invalidateQueries({ queryKey: ["connections", projectId] });
    }
  };
  return (
    <Dialog open={connection !== null} onOpenChange={(open) => open || close()} title="Disconnect">
      {connection ? (
        <div className="flex flex-col gap-4">
          <p className="text-muted">
            The stream of <span className="font-medium text-text wrap-anywhere">{toClientName(connection)}</span> on{" "}
            <code className="text-data text-text wrap-anywhere">{connection.endpoint}</code> closes within a second. The client receives the
            reason and can reconnect. To block it, revoke its key or its session.
          </p>
          {failure ? <p role="alert">{failure}</p> : null}
          <DialogActions>
            <Button tone="danger" busy={isEnding} onClick={() => void end(connection)}>
              Disconnect
            </Button>
            <Button onClick={close}>Cancel</Button>
          </DialogActions>
        </div>
      ) : null}
    </Dialog>
  );
}
