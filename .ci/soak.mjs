#!/usr/bin/env node
// Bundles the soak and runs it. What it takes is said in tests/soak/options.ts.
import { runBundled } from './bundled.mjs';

await runBundled('tests/soak/main.ts', 'tmops-soak');
