// Copies what pages need from the npm packages of the lock file into the Python package, with licence
// and checksums. `npm ci && npm run assets`; nobody who only uses or tests Jinpai needs npm.
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";

const target = "src/jinpai/reports/assets/";
const from = "node_modules/";
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages["node_modules/echarts"];
const files = {
  "echarts/dist/echarts.common.min.js": "echarts.common.min.js",
  "echarts/LICENSE": "echarts.LICENSE",
  "echarts/NOTICE": "echarts.NOTICE",
  "zrender/LICENSE": "zrender.LICENSE", // the drawing library inside it
};

const sha256 = {};
for (const [source, name] of Object.entries(files)) {
  copyFileSync(from + source, target + name);
  sha256[name] = createHash("sha256").update(readFileSync(target + name)).digest("hex");
}
const made = { package: "echarts", version: lock.version, integrity: lock.integrity, sha256 };
writeFileSync(target + "echarts.json", JSON.stringify(made, null, 2) + "\n");
