// Removes from the lock what installs nothing, addresses for donations among it: `npm run lock`.

import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
for (const about of Object.values(lock.packages)) delete about.funding;
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
