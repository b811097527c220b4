import { expect, it } from 'vitest';
import { fixture } from './fixture.ts';
import { rawLog } from '../../rig/rawlog.ts';
const q = (xs: number[], p: number) => [...xs].sort((a,b)=>a-b)[Math.floor(xs.length*p)]!.toFixed(2);
it.each(['control','process'] as const)('%s', async (way) => {
  const at = await fixture({ way });
  const logs = await Promise.all(['a','b','c','d'].map((n)=>rawLog(at.rig.folder,n,{shows: Array.from({length:40},(_, i)=>`row ${i} ${'x'.repeat(80)}`).concat('here')})));
  const roles=['orchestrator','tester','implementer','verifier'];
  const panes = await at.open(at.plan({panes: roles.map((role,i)=>({role,argv:logs[i]!.argv,cwd:at.rig.folder}))}));
  await Promise.all(logs.map(l=>l.ready()));
  await new Promise(r=>setTimeout(r,500));
  const pane = panes[0]!.pane;
  const look: number[]=[]; const type: number[]=[]; const four: number[]=[];
  for (let i=0;i<400;i++){ let t=performance.now(); await at.terminal.look(pane); look.push(performance.now()-t); }
  for (let i=0;i<200;i++){ let t=performance.now(); await Promise.all(panes.map(p=>at.terminal.look(p.pane))); four.push(performance.now()-t); }
  let text='here';
  for (let i=0;i<200;i++){ let t=performance.now(); const a=await at.terminal.paste(pane,'@.tmops/feat/current/prompts/0007.md [tmops#7]'); await new Promise(r=>setTimeout(r,15)); const d=15; 
    const l= await at.terminal.look(pane); const rows=l.kind==='seen'?l.capture.trimEnd().split('\n'):[]; const t2=performance.now(); const b=await at.terminal.enter(pane, rows.at(-1)!); 
    expect([a,b]).toEqual(['typed','typed']); type.push(performance.now()-t2); }
  const paste: number[]=[]; for (let i=0;i<200;i++){ const t=performance.now(); await at.terminal.paste(pane,'@.tmops/feat/current/prompts/0007.md [tmops#7]'); paste.push(performance.now()-t);} 
  console.log(way,'look',q(look,.5),q(look,.95),'4 looks',q(four,.5),q(four,.95),'paste',q(paste,.5),q(paste,.95),'enter',q(type,.5),q(type,.95));
  await at.end();
}, 120000);
