import type { Service, Usage } from "../service";
import { Icon, Logo } from "./icons";
import { credits } from "./numbers";

interface Props {
  readonly service: Service;
  readonly usage: Usage | null;
  readonly sideShown: boolean;
  readonly onSide: () => void;
  readonly onUsage: () => void;
  readonly onLeave: () => void;
}

/** Who is signed in, and what the key has used. */
export function TopBar({ service, usage, sideShown, onSide, onUsage, onLeave }: Props) {
  return (
    <header class="top">
      <button
        type="button"
        class="icon-button only-narrow"
        aria-label="Tables and recent queries"
        aria-expanded={sideShown}
        aria-controls="side"
        onClick={onSide}
      >
        <Icon name={sideShown ? "close" : "menu"} />
      </button>
      <Logo />
      <h1>
        HatiData <span class="quiet">console</span>
      </h1>
      <span class="spring" />
      {usage && (
        <button type="button" class="pill" onClick={onUsage} title="Usage of this key">
          <Icon name="bolt" />
          {credits(usage.credits)}
          <span class="offscreen"> used this month</span>
        </button>
      )}
      <span class="who" title="The key in use">
        <Icon name="lock" />
        <code>{service.hasKey ? service.keyPrefix : "dev mode, no key"}</code>
      </span>
      <button type="button" onClick={onLeave}>
        Sign out
      </button>
    </header>
  );
}
