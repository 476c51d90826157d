/** `/api/manage/projects/{id}/requests/recording`: whether all requests are logged (G32). */
import { json, manageRoute, noContent } from "@/app/lib/manage/manage-route";
import { startRecording, stopRecording } from "@/src/management/traffic/request-log";

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = manageRoute({
  POST: async ({ runtime: { db, clock }, user, id }) =>
    json(await startRecording({ db, ownerId: user.id, projectId: id, now: clock.now() })),
  DELETE: async ({ runtime: { db }, user, id }) => {
    await stopRecording({ db, ownerId: user.id, projectId: id });
    return noContent();
  },
});
