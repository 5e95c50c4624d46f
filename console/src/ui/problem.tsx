import { adviceFor, type Failure } from "../failure";
import { CopyButton } from "./copy";

/** An error as the service told it, what can be done about it, and the id under which the log has it. */
export function Problem({ failure, title }: { failure: Failure; title: string }) {
  const advice = adviceFor(failure);
  return (
    <div class="problem" role="alert">
      <p class="problem-head">
        <strong>{title}</strong>
        <code class="badge bad">{failure.code}</code>
      </p>
      <p class="problem-text">{failure.message}</p>
      {advice && <p class="quiet">{advice}</p>}
      {failure.queryId && (
        <p class="quiet small query-id">
          Query <code>{failure.queryId}</code> <CopyButton text={failure.queryId} label="Copy the query id" />
        </p>
      )}
    </div>
  );
}
