/** Shown while a page loads. */
import { PageSkeleton } from "@/src/ui/components/page/skeleton";

export default function Loading() {
  return <PageSkeleton />;
}
