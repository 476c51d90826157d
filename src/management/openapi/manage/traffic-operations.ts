/** The management API's operations on numbers over time (G31) and the request log (G32), as its description lists them. */
import { projectRatesSchema, recordingSchema, requestLogSchema, trafficSchema } from "@/src/shared/management/traffic";
import type { ApiParameter } from "@/src/shared/openapi";
import { RECORDING_MINUTES, REQUEST_OUTCOMES, REQUESTS_LIMIT_MAX, TRAFFIC_RANGE_NAMES } from "@/src/shared/traffic-limits";
import type { ManageOperation } from "./operation";

const TRAFFIC = "Traffic";

const PARTS: readonly ApiParameter[] = [
  { name: "endpointId", in: "query", description: "Only this endpoint.", schema: { type: "string", format: "uuid" } },
  { name: "keyId", in: "query", description: "Only this key.", schema: { type: "string", format: "uuid" } },
];
const INTEGER_MAX = Number.MAX_SAFE_INTEGER;

export const TRAFFIC_OPERATIONS: readonly ManageOperation[] = [
  {
    id: "readProjectRates",
    method: "get",
    path: "projects/traffic",
    tag: TRAFFIC,
    summary: "Read the last hour of every project, the most active first.",
    answer: { status: 200, description: "The projects, with requests by minute.", schema: projectRatesSchema, isList: true },
  },
  {
    id: "readTraffic",
    method: "get",
    path: "projects/{id}/traffic",
    tag: TRAFFIC,
    summary: "Read requests, errors, latencies, writes, deliveries and streams of a project over time.",
    description:
      "Servers store their counts every 10 seconds. `hour` has steps of a minute, `day` of 15 minutes, and `month` of 6 hours for 30 days. Steps without requests are included. Percentiles are estimated from fixed buckets.",
    query: [
      { name: "range", in: "query", description: "Default: `hour`.", schema: { type: "string", enum: [...TRAFFIC_RANGE_NAMES] } },
      ...PARTS,
    ],
    answer: {
      status: 200,
      description: "The steps, oldest first, their totals, and the totals by error, endpoint and key.",
      schema: trafficSchema,
    },
  },
  {
    id: "listRequests",
    method: "get",
    path: "projects/{id}/requests",
    tag: TRAFFIC,
    summary: "List the last requests of a project, newest first.",
    description: "Requests that failed are always logged; others while the project is recorded. Addresses are cut, and secrets left out.",
    query: [
      ...PARTS,
      {
        name: "outcome",
        in: "query",
        description: "Only requests that succeeded or failed.",
        schema: { type: "string", enum: [...REQUEST_OUTCOMES] },
      },
      { name: "status", in: "query", description: "Only this status.", schema: { type: "integer", minimum: 100, maximum: 599 } },
      { name: "code", in: "query", description: "Only this error.", schema: { type: "string", pattern: "^[a-z_]{1,64}$" } },
      {
        name: "seq",
        in: "query",
        description: "Only the request that wrote this change. Combine it with endpointId.",
        schema: { type: "integer", minimum: 1, maximum: INTEGER_MAX },
      },
      {
        name: "requestId",
        in: "query",
        description: "Only the request with this X-Request-Id.",
        schema: { type: "string", pattern: "^[!-~]{1,100}$" },
      },
      {
        name: "before",
        in: "query",
        description: "Only requests with a smaller id.",
        schema: { type: "integer", minimum: 1, maximum: INTEGER_MAX },
      },
      {
        name: "limit",
        in: "query",
        description: "The maximum number of requests; default 100.",
        schema: { type: "integer", minimum: 1, maximum: REQUESTS_LIMIT_MAX },
      },
    ],
    answer: { status: 200, description: "The requests, and until when the project is recorded.", schema: requestLogSchema },
  },
  {
    id: "startRecording",
    method: "post",
    path: "projects/{id}/requests/recording",
    tag: TRAFFIC,
    summary: `Log all requests of a project for ${RECORDING_MINUTES} minutes.`,
    description: "Send it again to go on.",
    answer: { status: 200, description: "When the recording ends.", schema: recordingSchema },
  },
  {
    id: "stopRecording",
    method: "delete",
    path: "projects/{id}/requests/recording",
    tag: TRAFFIC,
    summary: "Log only requests that fail, from now on.",
  },
];
