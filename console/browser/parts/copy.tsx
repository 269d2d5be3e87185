import { useState } from "preact/hooks";

/** Copies a text. Browsers allow it over TLS and on this machine only; elsewhere there is no button. */
function CopyButton({ text, what }: { text: string; what: string }) {
  const [isCopied, setCopied] = useState(false);
  if (navigator.clipboard === undefined) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <button type="button" class="copy" onClick={copy} aria-label={`Copy ${what}`}>
      {isCopied ? "Copied" : "Copy"}
    </button>
  );
}

/** A secret that is shown once. */
export function Secret({ label, text }: { label: string; text: string }) {
  return (
    <div class="secret">
      <p>
        <strong>{label}</strong> <span class="muted">Keep it now: it is not shown again.</span>
      </p>
      <div class="with-copy">
        <code>{text}</code>
        <CopyButton text={text} what={label} />
      </div>
    </div>
  );
}

export function Code({ text, what }: { text: string; what: string }) {
  return (
    <div class="code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}
