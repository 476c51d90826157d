/** Unknown URLs below the account. */
import type { Metadata } from "next";
import { notFound } from "next/navigation";

export const metadata: Metadata = { title: "Page not found" };

export default function Page() {
  notFound();
}
