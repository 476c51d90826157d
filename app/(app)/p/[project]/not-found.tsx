/** For addresses inside a project that lead nowhere. */
import { Nothing } from "@/src/ui/components/page/nothing";

export default function NotFoundPage() {
  return (
    <div className="flex justify-center px-4 pt-[14dvh]">
      <Nothing />
    </div>
  );
}
