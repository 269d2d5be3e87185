import { join } from "node:path";
import type { AmiField } from "../../shared/ami/amiMessage.ts";

export const NODE_FOLDER = join(import.meta.dirname, "node");
export const PYTHON_FOLDER = join(import.meta.dirname, "python");

/** An event as a library gives it to its user. */
export type LibraryEvent = Readonly<Record<string, unknown>>;

/** An AMI library, and the program that follows a feed with it. */
export interface Library {
  readonly name: string;
  readonly program: string;
  /** What its program needs besides the connection. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the library makes of an event's fields; undefined when it takes the event for something else. */
  read(fields: readonly AmiField[]): LibraryEvent | undefined;
}

interface PythonLibrary extends Library {
  /** The package on PyPI, in which version. */
  readonly installs: string;
  readonly version: string;
}

const lowerCase = (name: string) => name.toLowerCase();
const trimmed = (value: string) => value.trim();

/** Names and values by a rule; of repeated fields the last. */
function plain(name: (name: string) => string, value: (value: string) => string) {
  return (fields: readonly AmiField[]): LibraryEvent =>
    Object.fromEntries(fields.map(([key, text]) => [name(key), value(text)]));
}
const same = (text: string) => text;

export const NODE_LIBRARIES: readonly Library[] = [
  {
    name: "asterisk-manager",
    program: "asterisk-manager.mjs",
    // Variables become an object of names and values, and the Variable of VarSet has no value.
    read: (fields) =>
      Object.fromEntries(
        fields.map(([key, value]) => [lowerCase(key), key === "Variable" ? { [value]: "" } : value]),
      ),
  },
  { name: "asterisk-ami-client", program: "asterisk-ami-client.mjs", read: plain(same, trimmed) },
  { name: "yana", program: "yana.mjs", read: plain(same, (value) => value.trimStart()) },
  {
    name: "asterisk.io",
    program: "asterisk.io.mjs",
    // OriginateResponse has both, so it is taken for the answer to an action.
    read: (fields) => {
      const event = plain(same, trimmed)(fields);
      return event.Response !== undefined && event.ActionID !== undefined ? undefined : event;
    },
  },
  {
    name: "ami-io",
    program: "ami-io.cjs",
    read: plain((name) => lowerCase(name).replaceAll("-", "_"), trimmed),
  },
];

export const PYTHON_LIBRARIES: readonly PythonLibrary[] = [
  {
    name: "panoramisk",
    program: "panoramisk_events.py",
    installs: "panoramisk",
    version: "1.4",
    // It has a content for the output of commands, empty in events, and cuts what is empty at an event's end.
    read: (fields) => ({
      ...Object.fromEntries(fields.at(-1)?.[1].trim() === "" ? fields.slice(0, -1) : fields),
      content: "",
    }),
  },
  {
    name: "pyst2",
    program: "pyst2_events.py",
    installs: "pyst2",
    version: "0.5.1",
    read: plain(same, trimmed),
  },
  {
    name: "asterisk-ami",
    program: "asterisk_ami_events.py",
    installs: "asterisk-ami",
    version: "0.1.7",
    read: plain(same, same),
  },
  ...starpyIn(process.env.STARPY),
];

/** @param sources the folder of its repository, because no registry has starpy; without it, starpy is left out. */
function starpyIn(sources: string | undefined): PythonLibrary[] {
  if (sources === undefined) return [];
  return [
    {
      name: "starpy",
      program: "starpy_events.py",
      installs: "Twisted",
      version: "26.10.0",
      environment: { PYTHONPATH: sources },
      read: plain(lowerCase, trimmed),
    },
  ];
}
