import type { InitOrder } from '../../src/core/init.ts';
import { openGit } from '../../src/adapters/git/open.ts';
import { openProject } from '../../src/adapters/project/open.ts';

// A process of its own that carries out one order (JSON in argv), to be killed at any moment. It says when it begins
// and prints the outcome.
const order = JSON.parse(process.argv[2] ?? '') as InitOrder;
const environment = process.env;
const project = openProject({ git: openGit({ environment }), environment });
process.stdout.write('begin\n');
process.stdout.write(`${JSON.stringify(await project.initialise(order))}\n`);
