/** The documentation of the management API, by topic. Requests are sent with the user's session. */
"use client";

import Link from "next/link";
import { type ApiDocument, listOperations } from "@/src/shared/openapi";
import { buttonClass } from "../components/button";
import { Page, Section } from "../components/page/page";
import type { CallContext } from "./call";
import { OperationList } from "./operation-list";

const BASE = "/api/manage/";

export function ManageDocsPage({ document, origin }: { document: ApiDocument; origin: string }) {
  const operations = listOperations(document);
  // The browser sends the session cookie. Programs send a token instead, so the curl command does too.
  const context: CallContext = {
    origin,
    query: {},
    secrets: [],
    withCookies: true,
    curlHeaders: { Authorization: "Bearer $RESTED_TOKEN" },
  };
  return (
    <Page
      title="Management API"
      note={
        <>
          For programs, with a token from{" "}
          <Link href="/account" className="text-focus underline underline-offset-2">
            your account
          </Link>
          . Requests sent from here run on your account and make real changes.
        </>
      }
      actions={
        <a href="/api/manage/openapi.json" className={buttonClass("secondary")}>
          OpenAPI
        </a>
      }
    >
      {document.tags.map(({ name, description }) => (
        <Section key={name} title={name} note={description}>
          <OperationList
            document={document}
            operations={operations.filter(({ operation }) => operation.tags.includes(name))}
            context={context}
            basePath={BASE}
          />
        </Section>
      ))}
    </Page>
  );
}
