/** Shown while a page of a project loads. */
import { PageSkeleton } from "@/src/ui/components/page/skeleton";

export default function Loading() {
  return <PageSkeleton />;
}
