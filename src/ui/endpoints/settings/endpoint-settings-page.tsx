/** An endpoint's settings: name, access, schema, end. */
"use client";

import type { EndpointDetail } from "@/src/shared/management/schemas";
import { DeleteEndpoint } from "./delete-endpoint";
import { EndpointForm } from "./endpoint-form";
import { SchemaSection } from "./schema-section";

export function EndpointSettingsPage({ endpoint }: { endpoint: EndpointDetail }) {
  return (
    <div className="mx-auto flex w-full max-w-[52rem] flex-col gap-10 px-6 py-8 max-md:px-4">
      <EndpointForm endpoint={endpoint} />
      <SchemaSection endpoint={endpoint} />
      <DeleteEndpoint endpoint={endpoint} />
    </div>
  );
}
