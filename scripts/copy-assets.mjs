// Copies what pages need from the npm packages of the lock file into the Python package, with licences
// and checksums. `npm ci && npm run assets`; nobody who only uses or tests Jinpai needs npm.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";

const from = "node_modules/";
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;

// target folder -> package -> what is copied: file of node_modules -> name
const wanted = {
  "src/jinpai/reports/assets/": {
    echarts: {
      "echarts/dist/echarts.common.min.js": "echarts.common.min.js",
      "echarts/LICENSE": "echarts.LICENSE",
      "echarts/NOTICE": "echarts.NOTICE",
      "zrender/LICENSE": "zrender.LICENSE", // the drawing library inside it
    },
  },
  "src/jinpai/web/static/": {
    "@tabler/core": {
      "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
      // its licence is not in the package: tabler.LICENSE is kept by hand
    },
    "htmx.org": {
      "htmx.org/dist/htmx.min.js": "htmx.min.js",
      "htmx.org/LICENSE": "htmx.LICENSE",
    },
  },
};

for (const [target, packages] of Object.entries(wanted)) {
  for (const [name, files] of Object.entries(packages)) {
    const sha256 = {};
    for (const [source, file] of Object.entries(files)) {
      if (!existsSync(from + source)) throw new Error(`${source} is not in the package`);
      copyFileSync(from + source, target + file);
      if (file.endsWith(".css")) dropSourceMap(target + file);
      sha256[file] = sum(target + file);
    }
    record(target, name, sha256);
  }
}
iconSprite("src/jinpai/web/static/", "@tabler/icons");

// One file of all icons that pages use: <use href="/static/icons.svg#NAME">.
function iconSprite(target, name) {
  const used = readFileSync("scripts/icons.txt", "utf8").split("\n").filter((line) => line && !line.startsWith("#"));
  const symbols = used.map((icon) => {
    const text = readFileSync(`${from}${name}/icons/outline/${icon}.svg`, "utf8");
    const inside = text.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "");
    return `<symbol id="${icon}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${inside}</symbol>`;
  });
  writeFileSync(target + "icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
  copyFileSync(`${from}${name}/LICENSE`, target + "icons.LICENSE");
  record(target, name, { "icons.svg": sum(target + "icons.svg"), "icons.LICENSE": sum(target + "icons.LICENSE") });
}

// The map is not shipped; browsers would ask for it.
function dropSourceMap(file) {
  writeFileSync(file, readFileSync(file, "utf8").replace(/\/\*# sourceMappingURL=.*?\*\/\s*$/, ""));
}

function sum(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function record(target, name, sha256) {
  const { version, integrity } = lock[from + name];
  const file = target + name.replace(/^@/, "").replace("/", "-") + ".json";
  writeFileSync(file, JSON.stringify({ package: name, version, integrity, sha256 }, null, 2) + "\n");
}
