/** While a page of a project is being read. */
import { PageSkeleton } from "@/src/ui/components/page/skeleton";

export default function Loading() {
  return <PageSkeleton />;
}
