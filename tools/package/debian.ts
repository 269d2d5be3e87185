import { execFile } from "node:child_process";
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import packageJson from "../../package.json" with { type: "json" };
import { buildPackage } from "./buildPackage.ts";

const root = join(import.meta.dirname, "../..");
const PROGRAMS = ["stasis-relay", "stasis-relay-bridge"] as const;
const UNITS = ["stasis-relay-bridge.service", "stasis-relay-ami.service"] as const;
/** Where npm would have put things, and where the Debian package has them. */
const PLACES: readonly (readonly [string, string])[] = [
  ["/opt/stasis-relay/node_modules/.bin/", "/usr/bin/"],
  ["/opt/stasis-relay/node_modules/stasis-relay/docs/", "/usr/share/doc/stasis-relay/"],
];

/** The engines of `stasis-relay start` are not in it: they are for other machines than a PBX. */
const CONTROL = `Package: stasis-relay
Version: ${packageJson.version}
Architecture: all
Section: comm
Priority: optional
Maintainer: stasis-relay <stasis-relay@localhost>
Depends: nodejs (>= 22.19)
Description: bridge from Asterisk PBXs into a stasis-relay
 The bridge brings the events of Asterisk PBXs into a stasis-relay by ARI or
 AMI. The command stasis-relay works with a relay, and connects AMI clients to
 a distant one over TLS. There is a systemd unit for each of the two.
 .
 Both units begin with a configuration of yours, so none is started by itself.
`;

const COPYRIGHT = `stasis-relay is under the Apache License 2.0, which is in
/usr/share/common-licenses/Apache-2.0. The terms of the packages whose code is
in its bundles are in /usr/share/doc/stasis-relay/THIRD-PARTY-LICENSES.
`;

/** Units that were added, changed or removed are known to systemd, and a removed service does not go on. */
const SCRIPTS: Readonly<Record<string, string>> = {
  postinst: "if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi",
  prerm: `if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl --no-reload disable --now ${UNITS.join(" ")}; fi`,
  postrm: "if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi",
};

/**
 * Makes a Debian package of the bridge and the `stasis-relay` command, for any architecture. Needs dpkg-deb.
 * @returns the file
 */
export async function buildDebianPackage(into: string): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), "stasis-relay-deb-"));
  try {
    await layOut(tree);
    const file = join(into, `stasis-relay_${packageJson.version}_all.deb`);
    await promisify(execFile)("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, file]);
    return file;
  } finally {
    await rm(tree, { recursive: true });
  }
}

async function layOut(tree: string): Promise<void> {
  const at = (path: string) => join(tree, path);
  const directories = [
    "DEBIAN",
    "etc/default",
    "etc/stasis-relay-bridge",
    "usr/bin",
    "usr/lib/systemd/system",
    "usr/share/doc/stasis-relay/examples",
  ];
  for (const path of directories) await mkdir(at(path), { recursive: true });
  await buildPackage(at("usr/lib/stasis-relay"));
  const documents = "usr/share/doc/stasis-relay";
  await rename(at("usr/lib/stasis-relay/THIRD-PARTY-LICENSES"), at(`${documents}/THIRD-PARTY-LICENSES`));
  for (const path of ["docs", "packaging", "recordings", "LICENSE", "README.md"])
    await rm(at(`usr/lib/stasis-relay/${path}`), { recursive: true });
  for (const program of PROGRAMS)
    await symlink(`../lib/stasis-relay/bin/${program}.js`, at(`usr/bin/${program}`));
  for (const unit of UNITS)
    await writeFile(
      at(`usr/lib/systemd/system/${unit}`),
      PLACES.reduce((text, [from, to]) => text.replaceAll(from, to), await textOf(`packaging/${unit}`)),
    );
  await copyFile(join(root, "packaging/stasis-relay-ami.env"), at("etc/default/stasis-relay-ami"));

  await cp(join(root, "docs"), at(documents), { recursive: true });
  await copyFile(join(root, "packaging/bridge.example.yaml"), at(`${documents}/examples/bridge.yaml`));
  await cp(join(root, "packaging/grafana"), at(`${documents}/examples/grafana`), { recursive: true });
  await writeFile(
    at(`${documents}/NEWS.gz`),
    await promisify(gzip)(await textOf("CHANGELOG.md"), { level: 9 }),
  );
  await writeFile(at(`${documents}/copyright`), COPYRIGHT);

  await writeFile(at("DEBIAN/control"), CONTROL);
  await writeFile(at("DEBIAN/conffiles"), "/etc/default/stasis-relay-ami\n");
  for (const [name, script] of Object.entries(SCRIPTS)) {
    await writeFile(at(`DEBIAN/${name}`), `#!/bin/sh\nset -e\n${script}\n`);
    await chmod(at(`DEBIAN/${name}`), 0o755);
  }
  // Whatever the builder's umask is. Secrets lie beside the bridge's configuration.
  await promisify(execFile)("chmod", ["-R", "u=rwX,go=rX", tree]);
  await chmod(at("etc/stasis-relay-bridge"), 0o700);
}

function textOf(path: string): Promise<string> {
  return readFile(join(root, path), "utf8");
}
