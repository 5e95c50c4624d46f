import { useState } from "preact/hooks";
import { Login } from "./login";
import { Workspace } from "./workspace";
import type { Session } from "./session";

/** Signed out or signed in. The session, and the key in it, live in this state and end with it. */
export function App() {
  const [session, setSession] = useState<Session | null>(null);
  return session === null ? (
    <Login onEnter={setSession} />
  ) : (
    <Workspace session={session} onLeave={() => setSession(null)} />
  );
}
