#!/usr/bin/env node
// Bundles the bench and runs it. What it takes is said in tests/bench/options.ts.
import { runBundled } from './bundled.mjs';

await runBundled('tests/bench/main.ts', 'tmops-bench');
