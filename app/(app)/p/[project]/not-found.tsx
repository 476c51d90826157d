/** Shown for unknown URLs inside a project. */
import { NotFound } from "@/src/ui/components/page/not-found";

export default function NotFoundPage() {
  return (
    <div className="flex justify-center px-4 pt-[14dvh]">
      <NotFound />
    </div>
  );
}
