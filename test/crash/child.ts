/** `child.ts FOLDER SCENE`: one run, with kill points from CROFT_FAULT. */
import { setFaults } from "../../provisioner/execute/faults.ts";
import { readScene, run } from "./site.ts";

const [folder = "", scene = ""] = process.argv.slice(2);
const { CROFT_FAULT: kill, CROFT_FAULT_RECORD: record } = process.env;
setFaults({ ...(kill === undefined ? {} : { kill }), ...(record === undefined ? {} : { record }) });
const result = await run(folder, await readScene(scene));
process.exitCode = result !== undefined && result.failed.length > 0 ? 1 : 0;
