// ssh2-sftp-client as a scheduled script uses it: `put.cjs put FILE...` or `put.cjs get PATH`.
const path = require("node:path");
const Client = require("ssh2-sftp-client");

const { PORT, USERNAME, PASSWORD } = process.env;
const [what, ...names] = process.argv.slice(2);

async function main() {
  const sftp = new Client();
  await sftp.connect({ host: "127.0.0.1", port: Number(PORT), username: USERNAME, password: PASSWORD });
  try {
    for (const name of names) {
      if (what === "put") await sftp.put(name, `/${path.basename(name)}`);
      else process.stdout.write(await sftp.get(`/${name}`));
    }
  } finally {
    await sftp.end();
  }
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
