import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "../failure";
import { Problem } from "./problem";
import { enter, type Session } from "./session";
import { Logo } from "./icons";

export function Login({ onEnter }: { onEnter: (session: Session) => void }) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);

  async function signIn(key: string | null) {
    setBusy(true);
    setFailure(null);
    try {
      onEnter(await enter(key));
    } catch (fault) {
      setFailure(fault instanceof Failure ? fault : new Failure("INTERNAL_ERROR", String(fault)));
      setBusy(false);
      field.current?.select();
    }
  }

  function submit(event: Event) {
    event.preventDefault();
    const key = field.current?.value.trim() ?? "";
    if (key === "") field.current?.focus();
    else void signIn(key);
  }

  return (
    <main class="login">
      <div class="login-card">
        <Logo />
        <h1>HatiData console</h1>
        <p class="quiet">SQL over governed data. You see what your key may see.</p>
        <KeyForm field={field} busy={busy} onSubmit={submit} />
        <div aria-live="assertive">
          {failure && <Problem failure={failure} title="You are not signed in" />}
        </div>
        <p id="key-note" class="quiet small">
          The key stays in the memory of this page: no cookie, no storage. Reloading signs you out.
        </p>
        <div class="divider" />
        <button type="button" class="wide" disabled={busy} onClick={() => void signIn(null)}>
          Continue without a key
        </button>
        <p class="quiet small">On your own machine a new service is in dev mode and needs no key.</p>
      </div>
    </main>
  );
}

interface FormProps {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly busy: boolean;
  readonly onSubmit: (event: Event) => void;
}

function KeyForm({ field, busy, onSubmit }: FormProps) {
  return (
    <form onSubmit={onSubmit}>
      <label for="key">API key</label>
      <input
        id="key"
        ref={field}
        type="password"
        placeholder="hd_live_…"
        autocomplete="off"
        spellcheck={false}
        autocapitalize="off"
        aria-describedby="key-note"
      />
      <button type="submit" class="primary wide" disabled={busy}>
        {busy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}
