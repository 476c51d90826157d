/** The management API's operations on the access rules of endpoints (A5, A6), as its description lists them. */
import {
  accessCheckedSchema,
  accessCheckSchema,
  accessPreviewedSchema,
  accessPreviewSchema,
  accessRestoreSchema,
  accessVersionsSchema,
} from "@/src/shared/management/access";
import { endpointDetailSchema } from "@/src/shared/management/schemas";
import type { ManageOperation } from "./operation";

const ENDPOINTS = "Endpoints";

export const ACCESS_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "listAccessVersions",
    method: "get",
    path: "endpoints/{id}/access-versions",
    tag: ENDPOINTS,
    summary: "List the versions of an endpoint's access rules, newest first.",
    description: "The newest 50 are kept. The first one is in force.",
    answer: { status: 200, description: "The versions, with time and author.", schema: accessVersionsSchema },
  },
  {
    id: "restoreAccessVersion",
    method: "post",
    path: "endpoints/{id}/access-versions",
    tag: ENDPOINTS,
    summary: "Restore a version of an endpoint's access rules. It becomes the newest version.",
    body: accessRestoreSchema,
    answer: { status: 200, description: "The endpoint.", schema: endpointDetailSchema },
  },
  {
    id: "checkAccess",
    method: "post",
    path: "endpoints/{id}/access-check",
    tag: ENDPOINTS,
    summary: "Check whether a user may do something with a record, and which rule decides.",
    description:
      "Send the `uniqueId` of a stored record, or a `record`. `user` is the `uniqueId` of a user, or null for nobody. `rules` and `accessFunction` are tried instead of the stored ones. Nothing is written.",
    body: accessCheckSchema,
    answer: { status: 200, description: "The verdict and what decided.", schema: accessCheckedSchema },
  },
  {
    id: "previewAccess",
    method: "post",
    path: "endpoints/{id}/access-preview",
    tag: ENDPOINTS,
    summary: "Count how many of the newest records users could read under some rules.",
    description:
      "Up to 1,000 records are examined, for up to 2 seconds. Without `rules` and `accessFunction`, the stored ones apply. The access function is asked about a sample: for each user, the newest 50 of the records that the rules allow.",
    body: accessPreviewSchema,
    answer: { status: 200, description: "The counts, by user.", schema: accessPreviewedSchema },
  },
];
